import Directory
import SSHKeys

/// Refuses a key for good: `gatehouse key revoke FILE|-`.
package struct KeyRevoke: DaemonCommand {
    package static let words = ["key", "revoke"]
    package static let summary = "Refuse a public key for ever, alone and in certificates"
    package static let usage = "FILE|-"
    package static let examples = ["key revoke stolen.pub"]

    private let path: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        path = try words.positional("FILE")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let key = try KeyText.one(in: context.terminal.read(path, limit: KeyText.limit))
        try context.directory.revokeKey(KeyText.material(of: key), at: context.services.now())
        return try context.done(
            Change(Self.self, ["key": key.fingerprint]), "key \(key.fingerprint) opens nothing any more")
    }
}
