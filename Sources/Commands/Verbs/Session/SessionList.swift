import Audit
import Support

/// Lists sessions: `gatehouse session list [--all] [--json]`.
package struct SessionList: DaemonCommand {
    /// No more are shown with `--all`.
    private static let limit = 1_000

    package static let words = ["session", "list"]
    package static let summary = "List live sessions, or the newest of all"
    package static let usage = "[--all] [--json]"
    package static let audience = Audience.auditor

    private let isAll: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isAll = words.flag("--all")
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let log = context.services.events
        let sessions = isAll ? try log.sessions(limit: Self.limit) : try log.liveSessions().reversed()
        let recordings = RecordingLibrary(context).counts()
        var table = Table("SESSION", "USER", "HOST", "FROM", "STARTED", "ENDED", "RECORDED")
        var list: [JSON] = []
        for session in sessions {
            let jumps = session.ended == nil ? context.services.sessions.jumps(of: session.id) : []
            let count = recordings[session.id] ?? 0
            list.append(
                .object(
                    session.json.merging([
                        "jumps": .strings(jumps), "recordings": .integer(count),
                    ]) { $1 }))
            let place = session.host ?? session.target ?? ""
            table.add(
                session.id, session.user ?? "",
                jumps.isEmpty ? place : "\(place), jump to \(jumps.joined(separator: ", "))",
                session.clientAddress,
                session.started.description, session.ended?.description ?? "live",
                count > 0 ? String(count) : "")
        }
        return try context.show(
            json: isJSON, ["sessions": .array(list)], text: table.text)
    }
}
