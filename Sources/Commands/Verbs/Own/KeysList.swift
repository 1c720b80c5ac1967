/// Lists one's own keys: `keys list [--json]` on the target `gate`.
package struct KeysList: DaemonCommand {
    package static let words = ["keys", "list"]
    package static let summary = "List your own keys"
    package static let usage = "[--json]"
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "key list")
        return try context.showKeys(of: user, json: isJSON)
    }
}
