import Directory
import SSHKeys

/// Takes in a directory: `gatehouse directory import FILE|-`.
package struct DirectoryImport: DaemonCommand {
    /// No document is longer, in bytes.
    private static let limit = 64 * 1024 * 1024

    package static let words = ["directory", "import"]
    package static let summary = "Take in what 'directory export' gave, all or nothing"
    package static let usage = "FILE|-"
    package static let examples = ["directory import directory.json"]

    private let path: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        path = try words.positional("FILE")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let document = try context.terminal.read(path, limit: Self.limit)
        let own = context.services.gateway.userAuthority
        try context.directory.importJSON(document, at: context.services.now()) { material in
            guard !ConstantTime.areEqual(material.blob, own.blob) else {
                throw KeyError(
                    .malformed, "it is the gateway's own CA: its certificates open hosts, not the gateway")
            }
            guard KeyText.material(of: try PublicKey(blob: material.blob)) == material else {
                throw KeyError(.malformed, "type, bytes and fingerprint are not of one key")
            }
        }
        return try context.done(
            Change(Self.self, ["bytes": String(document.count)]), "the directory was taken in")
    }
}
