import Audit

/// Ends a live session: `gatehouse session kill ID`.
package struct SessionKill: DaemonCommand {
    package static let words = ["session", "kill"]
    package static let summary = "End a live session"
    package static let usage = "ID"

    private let id: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        id = try words.positional("ID")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        guard context.services.sessions.kill(id) else {
            throw CommandError.noSession(id, kind: "live session")
        }
        return try context.done(Change(Self.self, ["session": id]), "session \(id) ended")
    }
}
