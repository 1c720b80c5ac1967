import Directory

/// Lets a person in again: `gatehouse user unlock NAME`.
package struct UserUnlock: DaemonCommand {
    package static let words = ["user", "unlock"]
    package static let summary = "Let a locked person in again, and forget wrong codes"
    package static let usage = "NAME"

    private let name: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.unlockUser(name)
        try context.services.clearGuesses(name)
        return try context.done(Change(Self.self, ["user": name]), "user \(name) is active")
    }
}
