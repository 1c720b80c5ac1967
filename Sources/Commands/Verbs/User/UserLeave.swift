import Directory

/// Ends a person's time here: `gatehouse user leave NAME [--yes]`.
package struct UserLeave: DaemonCommand {
    package static let words = ["user", "leave"]
    package static let summary = "Note that a person has left, for good"
    package static let usage = "NAME [--yes]"

    private let name: String
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        (name, isConfirmed) = try words.name(with: "--yes")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.directory.user(name)
        try context.confirm(
            "\(name) loses all keys, groups and grants for good; uid \(user.uid) stays theirs. Go on?",
            unless: isConfirmed)
        try context.directory.leaveUser(name)
        let ended = context.services.sessions.endSessions(ofUser: name)
        return try context.done(
            Change(
                Self.self,
                ["user": name, "uid": String(user.uid), "sessions_ended": String(ended)]),
            "user \(name) has left; sessions ended: \(ended)")
    }
}
