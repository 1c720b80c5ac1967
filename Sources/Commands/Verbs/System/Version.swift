import Support

/// Prints the version: `gatehouse version`.
package struct Version: DaemonCommand, LocalCommand {
    /// Of this build.
    package static let current = Product.version

    package static let words = ["version"]
    package static let summary = "Print the version"
    package static let audience = Audience.everyone
    package static let isForNewcomers = true

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode { try show(on: context.terminal) }

    package func run(in context: LocalContext) throws -> ExitCode { try show(on: context.terminal) }

    private func show(on terminal: any Terminal) throws -> ExitCode {
        try terminal.outLine("gatehouse \(Self.current)")
        return .success
    }
}
