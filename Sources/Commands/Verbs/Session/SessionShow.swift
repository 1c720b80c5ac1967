import Audit
import Support

/// Shows a session: `gatehouse session show ID [--json]`.
package struct SessionShow: DaemonCommand {
    /// No more of its events are shown.
    private static let limit = 1_000

    package static let words = ["session", "show"]
    package static let summary = "Show a session and what happened in it"
    package static let usage = "ID [--json]"
    package static let audience = Audience.auditor

    private let id: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        id = try words.positional("ID")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        guard let session = try context.services.events.session(id) else { throw CommandError.noSession(id) }
        let events = try context.services.events.events(EventQuery(session: id, limit: Self.limit))

        var document = session.json
        let recordings = RecordingLibrary(context).recordings(of: id)
        document["recordings"] = .array(recordings.map { .object($0.json) })
        document["events"] = .array(events.map { .object($0.json) })

        var text = Details()
        text.add("session", session.id)
        text.add("user", session.user ?? "")
        text.add("key", session.keyFingerprint ?? "")
        text.add("from", session.clientAddress)
        text.add("client", session.clientVersion ?? "")
        text.add("target", session.target ?? "")
        text.add("host", session.host ?? "")
        text.add("started", session.started.description)
        text.add("ended", session.ended?.description ?? "live")
        text.add("reason", session.endReason ?? "")
        text.add("exit", session.exitSignal ?? session.exitStatus.map { String($0) } ?? "")
        text.add("bytes", "\(session.bytesFromClient) from the client, \(session.bytesToClient) to it")
        text.add("recordings", each: recordings.map(\.text))
        text.add("events", each: events.map { $0.text(withSession: false) })
        return try context.show(json: isJSON, ["session": .object(document)], text: text.text)
    }
}

extension CommandError {
    /// There is no session of that name, or none that lives.
    static func noSession(_ id: String, kind: String = "session") -> CommandError {
        CommandError(
            .notFound, "there is no \(kind) '\(id)'", hint: "'gatehouse session list' shows what there is")
    }
}
