import Audit
import Recording
import Support

/// Compares recordings with what the event log says of them: `gatehouse session verify [ID]`.
package struct SessionVerify: DaemonCommand {
    package static let words = ["session", "verify"]
    package static let summary = "Find recordings that were changed or taken away"
    package static let usage = "[ID] [--json]"
    package static let audience = Audience.auditor

    private let session: String?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        session = try words.optionalPositional()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let library = RecordingLibrary(context)
        if let session, try context.services.events.session(session) == nil {
            throw CommandError.noSession(session)
        }
        let ends = try library.ends(session: session)
        let removed = try library.named(by: .recordingRemoved, session: session)
        let started = try library.named(by: .recordingStarted, session: session)
        let failed = try library.named(by: .recordingFailed, session: session)
        let there = try library.names().filter { session == nil || $0.session.description == session }
        let all = Set(there.map(\.description)).union(ends.keys).union(started.subtracting(failed))
        var states: [RecordingLibrary.Integrity: [String]] = [:]
        for text in all.sorted() {
            guard let name = RecordingName(text) else { continue }
            var state = try library.integrity(of: name, end: ends[text])
            if state == .missing, removed.contains(text) { state = .removed }
            states[state, default: []].append(text)
        }
        let isBad = states[.changed] != nil || states[.missing] != nil
        var text = ""
        for (state, words) in [
            (RecordingLibrary.Integrity.changed, "changed since it was written"),
            (.missing, "gone, and no event says why"),
            (.unknown, "its end is not in the log: nothing proves it"),
        ] {
            for name in states[state] ?? [] { text += "\(name): \(words)\n" }
        }
        text += "\(states[.intact]?.count ?? 0) recordings are as they were written"
        if let count = states[.live]?.count { text += ", \(count) still being written" }
        if let count = states[.removed]?.count { text += ", \(count) removed as the log says" }
        text += "\n"
        let document = Dictionary(
            uniqueKeysWithValues: [
                RecordingLibrary.Integrity.changed, .missing, .unknown, .live, .removed,
            ].map { ($0.rawValue, JSON.strings(states[$0] ?? [])) })
        _ = try context.show(
            json: isJSON,
            document.merging([
                "intact": .integer(states[.intact]?.count ?? 0), "good": .boolean(!isBad),
            ]) { $1 }, text: text)
        if isBad, !isJSON {
            try context.terminal.errLine(
                "hint: 'gatehouse event verify' says whether the log that tells this is itself as it was")
        }
        return isBad ? .failure : .success
    }
}
