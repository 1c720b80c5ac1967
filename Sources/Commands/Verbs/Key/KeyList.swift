/// Lists keys: `gatehouse key list [USER] [--json]`.
package struct KeyList: DaemonCommand {
    package static let words = ["key", "list"]
    package static let summary = "List the keys of a person, or of everybody"
    package static let usage = "[USER] [--json]"
    package static let audience = Audience.auditor

    private let user: String?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        user = try words.optionalPositional()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.showKeys(of: user, json: isJSON)
    }
}
