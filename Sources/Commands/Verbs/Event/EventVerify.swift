import Audit
import Configuration
import SSHKeys
import Support

/// Looks whether the event log is as it was written: `gatehouse event verify`. On the gateway itself it needs no daemon.
package struct EventVerify: DaemonCommand, LocalCommand {
    package static let words = ["event", "verify"]
    package static let summary = "Look whether any event was changed, removed or moved since it was noted"
    package static let usage = "[--checkpoints FILE|-] [--json]"
    package static let audience = Audience.auditor
    package static let examples = [
        "event verify", "event verify --checkpoints kept.log",
    ]

    /// Bytes of a file of checkpoints: some ten years of hourly ones.
    private static let fileLimit = 64 << 20

    private let file: String?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        file = try words.option("--checkpoints")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try verify(
            context.services.events, signedBy: context.services.gateway.eventKey, on: context.terminal)
    }

    package func run(in context: LocalContext) throws -> ExitCode {
        let installation = Installation(configuration: try context.configuration())
        let events = try installation.openDatabase().events
        return try verify(
            events, signedBy: try installation.eventKey(of: events).publicKey, on: context.terminal)
    }

    private func verify(
        _ events: EventLog, signedBy key: PublicKey, on terminal: any Terminal
    ) throws -> ExitCode {
        let others = try file.map { file in
            let text = String(decoding: try terminal.read(file, limit: Self.fileLimit), as: UTF8.self)
            let found = text.split(whereSeparator: \.isNewline).compactMap { Checkpoint(in: $0) }
            guard !found.isEmpty else {
                throw CommandError(.usage, "there is no checkpoint in \(file.printable)")
            }
            return found
        }
        let report = try events.check(signedBy: key, and: others ?? [])
        if let others, report.foreign == others.count {
            throw CommandError(
                .usage, "none of the \(others.count) checkpoints given is signed by this gateway's key")
        }
        try terminal.out(isJSON ? JSON.document(report.json).pretty : report.text(signedBy: key))
        return report.problems.isEmpty ? .success : .failure
    }
}

extension ChainReport {
    fileprivate func text(signedBy key: PublicKey) -> String {
        var lines = problems.map(\.sentence)
        if unnamed > 0 { lines.append("and \(unnamed) more") }
        let range = count == 0 ? "no events" : "\(count) events, \(first) to \(last)"
        let verdict = problems.isEmpty ? "as they were noted" : "NOT as they were noted"
        lines.append("\(range): \(verdict)")
        lines.append(
            checkpoints == 0
                ? "no checkpoints: who can write the file could have written all of it anew"
                : "\(checkpoints) checkpoints, the last good one at event \(lastCheckpoint), key \(key.fingerprint)"
        )
        if foreign > 0 { lines.append("\(foreign) of the checkpoints given are not this gateway's") }
        return lines.joined(separator: "\n") + "\n"
    }

    fileprivate var json: [String: JSON] {
        [
            "whole": .boolean(problems.isEmpty), "count": .integer(count), "first": .number(first),
            "last": .number(last), "checkpoints": .integer(checkpoints), "foreign": .integer(foreign),
            "unnamed": .integer(unnamed),
            "last_checkpoint": .number(lastCheckpoint), "problems": .array(problems.map { .object($0.json) }),
        ]
    }
}

extension ChainProblem {
    /// For people.
    package var sentence: String {
        switch self {
        case .changed(let id): "event \(id) is not what was noted"
        case .moved(let id, let origin): "event \(id) was noted as event \(origin)"
        case .removed(let last, let next) where next == last + 2: "event \(last + 1) was removed"
        case .removed(let last, let next): "events \(last + 1) to \(next - 1) were removed"
        case .cut(let last, let highest):
            "the events after \(last) were removed: there were some up to \(highest)"
        case .contradicted(let id): "event \(id) is not the one that a checkpoint was made of"
        case .unsigned(let id): "the checkpoint of event \(id) is not as the gateway's key signed it"
        }
    }

    fileprivate var json: [String: JSON] {
        let (kind, event, more): (String, Int64, [String: JSON]) =
            switch self {
            case .changed(let id): ("changed", id, [:])
            case .moved(let id, let origin): ("moved", id, ["from": .number(origin)])
            case .removed(let last, let next): ("removed", last + 1, ["last": .number(next - 1)])
            case .cut(let last, let highest): ("removed", last + 1, ["last": .number(highest)])
            case .contradicted(let id): ("contradicted", id, [:])
            case .unsigned(let id): ("unsigned", id, [:])
            }
        return more.merging(["kind": .string(kind), "event": .number(event), "text": .string(sentence)]) {
            $1
        }
    }
}
