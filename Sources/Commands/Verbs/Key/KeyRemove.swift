/// Takes a key away: `gatehouse key remove USER FINGERPRINT`.
package struct KeyRemove: DaemonCommand {
    package static let words = ["key", "remove"]
    package static let summary = "Take a key away; live sessions go on"
    package static let usage = "USER FINGERPRINT"

    private let user: String
    private let fingerprint: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        user = try words.positional("USER")
        fingerprint = try words.positional("FINGERPRINT")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.removeKey(fingerprint, of: user, for: Self.self)
    }
}
