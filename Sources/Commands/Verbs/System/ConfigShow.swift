import Configuration

/// Prints the settings in effect: `gatehouse config show [--json]`.
package struct ConfigShow: DaemonCommand, LocalCommand {
    package static let words = ["config", "show"]
    package static let summary = "Print all settings of the daemon"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    /// What the daemon runs with.
    package func run(in context: CommandContext) throws -> ExitCode {
        try show(context.services.configuration, on: context.terminal)
    }

    /// What the file says.
    package func run(in context: LocalContext) throws -> ExitCode {
        try show(context.configuration(), on: context.terminal)
    }

    private func show(_ configuration: Configuration, on terminal: any Terminal) throws -> ExitCode {
        let text = configuration.rendered
        guard isJSON else {
            try terminal.out(text)
            return .success
        }
        let settings = text.split(separator: "\n").map { line in
            let words = line.split(separator: " ", maxSplits: 1)
            return JSON.object(["keyword": .string(String(words[0])), "value": .string(String(words[1]))])
        }
        try terminal.out(JSON.document(["settings": .array(settings)]).pretty)
        return .success
    }
}
