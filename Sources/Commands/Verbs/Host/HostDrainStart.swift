import Audit
import Directory
import Support

/// Empties a host: `gatehouse host drain NAME [--deadline TIME] [--message TEXT]`.
package struct HostDrainStart: DaemonCommand {
    package static let words = ["host", "drain"]
    package static let summary = "Let nobody new onto a host, and tell those who are there"
    package static let usage = "NAME [--deadline TIME] [--message TEXT]"
    package static let examples = [
        "host drain communal1", "host drain communal1 --deadline 2h --message 'kernel update'",
    ]

    private let name: String
    private let deadline: EndTime?
    private let message: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        message = try words.option("--message") ?? ""
        deadline = try words.option("--deadline").map { (text) throws(UsageError) in try EndTime(text) }
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let now = context.services.now()
        let end = deadline?.resolved(from: now)
        if let end, end <= now { throw UsageError("the deadline \(end) is past") }
        let host = try context.directory.setDrain(
            HostDrain(since: now, deadline: end, message: message), of: name)
        var detail: [String: String] = [:]
        detail["deadline"] = end?.description
        if !message.isEmpty { detail["message"] = message }
        try context.note(.hostDrained, host: name, detail)
        let condition = context.services.conditions.condition(of: name)
        try context.terminal.outLine(
            "host \(name) takes no new sessions; sessions there: \(condition.sessions)")
        let until = end.map { "Sessions end at \($0)." } ?? "Please end your sessions when you can."
        do {
            try context.services.wall(
                ["\(name) takes no new sessions.", until, message].filter { !$0.isEmpty }
                    .joined(separator: "\n"), host)
        } catch {
            let why = ErrorReport(for: error).reasons.joined(separator: "; ")
            try context.terminal.errLine("nobody there was told: \(why)")
        }
        return .success
    }
}

/// Opens it again: `gatehouse host undrain NAME`.
package struct HostDrainEnd: DaemonCommand {
    package static let words = ["host", "undrain"]
    package static let summary = "Let people onto a host again"
    package static let usage = "NAME"
    package static let examples = ["host undrain communal1"]

    private let name: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let host = try context.directory.host(name)
        guard let drain = host.drain else {
            throw CommandError(.failure, "\(name) is not being drained", hint: "see 'gatehouse host list'")
        }
        try context.directory.setDrain(nil, of: name)
        try context.note(
            .hostUndrained, host: name, ["since": drain.since.description])
        try context.terminal.outLine("host \(name) takes sessions again")
        return .success
    }
}

extension HostDrain {
    /// For listings: `draining until 2026-01-31T09:05:00Z: kernel update`.
    var text: String {
        "draining" + (deadline.map { " until \($0)" } ?? "") + (message.isEmpty ? "" : ": \(message)")
    }

    var json: JSON {
        .object(["since": .time(since), "deadline": .time(deadline), "message": .string(message)])
    }
}
