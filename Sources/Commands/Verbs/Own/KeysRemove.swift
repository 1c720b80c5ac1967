import Directory

/// Removes a key of one's own: `keys remove FINGERPRINT [--yes]` on the target `gate`.
package struct KeysRemove: DaemonCommand {
    package static let words = ["keys", "remove"]
    package static let summary = "Remove a key of your own"
    package static let usage = "FINGERPRINT [--yes]"
    package static let audience = Audience.everyone
    package static let isForPeople = true

    private let fingerprint: String
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isConfirmed = words.flag("--yes")
        fingerprint = try words.positional("FINGERPRINT")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.ownName(insteadUse: "key remove USER FINGERPRINT")
        if try context.directory.keys(of: user).map(\.material.fingerprint) == [fingerprint] {
            try context.confirm(
                "this is your last key: without it you cannot log in again. Remove it?", unless: isConfirmed)
        }
        return try context.removeKey(fingerprint, of: user, for: Self.self)
    }
}
