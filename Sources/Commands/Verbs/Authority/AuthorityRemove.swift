import Directory

/// Ends the trust in a CA: `gatehouse ca remove NAME`.
package struct AuthorityRemove: DaemonCommand {
    package static let words = ["ca", "remove"]
    package static let summary = "Trust a CA no more; live sessions go on"
    package static let usage = "NAME"

    private let name: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let removed = try context.directory.removeAuthority(name)
        return try context.done(Change(Self.self, removed.record), "CA \(name) is trusted no more")
    }
}
