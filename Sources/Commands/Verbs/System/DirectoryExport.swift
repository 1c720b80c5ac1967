import Directory

/// Prints the whole directory: `gatehouse directory export`.
package struct DirectoryExport: DaemonCommand {
    package static let words = ["directory", "export"]
    package static let summary = "Print people, keys, hosts and grants as JSON"
    package static let audience = Audience.auditor
    package static let examples = ["directory export > directory.json"]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        // It is JSON always; the flag of the other reading commands does no harm.
        _ = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.terminal.out(String(decoding: context.directory.exportJSON(), as: UTF8.self))
        return .success
    }
}
