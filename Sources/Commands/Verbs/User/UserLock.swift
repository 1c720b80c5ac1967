import Directory

/// Keeps a person out: `gatehouse user lock NAME`.
package struct UserLock: DaemonCommand {
    package static let words = ["user", "lock"]
    package static let summary = "Keep a person out and end their sessions"
    package static let usage = "NAME"

    private let name: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.lockUser(name)
        let ended = context.services.sessions.endSessions(ofUser: name)
        return try context.done(
            Change(Self.self, ["user": name, "sessions_ended": String(ended)]),
            "user \(name) is locked; sessions ended: \(ended)")
    }
}
