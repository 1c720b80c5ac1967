import Directory

/// Forgets somebody's one-time codes: `totp remove [USER] [--yes]`.
package struct CodeRemove: DaemonCommand {
    package static let words = ["totp", "remove"]
    package static let summary = "Forget the one-time codes of somebody, who can then enrol anew"
    package static let usage = "[USER] [--yes]"
    package static let examples = ["totp remove alice"]
    package static let audience = Audience.everyone

    private let user: String?
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isConfirmed = words.flag("--yes")
        user = try words.optionalPositional()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let subject = try context.codeSubject(user, in: Self.self)
        guard try context.directory.codeEnrolment(of: subject.user) != nil else {
            throw CommandError(.notFound, "'\(subject.user)' has not enrolled for one-time codes")
        }
        if subject.isCaller {
            try context.askForCode(of: subject.user)
        } else {
            try context.confirm(
                "with the key alone, \(subject.user)'s next login can enrol anew. Forget their codes?",
                unless: isConfirmed)
        }
        guard try context.directory.removeCodes(of: subject.user) else {
            throw CommandError(.notFound, "'\(subject.user)' has not enrolled for one-time codes")
        }
        return try context.done(
            Change(Self.self, ["user": subject.user]), "\(subject.user) is not enrolled any more")
    }
}
