/// Adds a key of one's own: `keys add -` on the target `gate`.
package struct KeysAdd: DaemonCommand {
    package static let words = ["keys", "add"]
    package static let summary = "Add a key of your own, from standard input"
    package static let usage = "- [--comment TEXT]"
    package static let examples = ["keys add - < ~/.ssh/id_ed25519.pub"]
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let path: String
    private let comment: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        comment = try words.option("--comment")
        path = try words.optionalPositional() ?? "-"
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "key add USER FILE")
        try context.caller.requireKey(instead: "key add \(user)")
        return try context.addKey(from: path, to: user, comment: comment, for: Self.self)
    }
}
