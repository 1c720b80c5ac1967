/// Explains the commands: `gatehouse help [NOUN [VERB]] [--completion bash]`.
package struct Help: DaemonCommand, LocalCommand {
    package static let words = ["help"]
    package static let summary = "Explain the commands"
    package static let usage = "[NOUN [VERB]] [--completion bash]"
    package static let examples = ["help user add", "help --completion bash"]
    package static let audience = Audience.everyone
    package static let isForNewcomers = true

    private let topic: [String]
    private let writesCompletion: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let shell = try words.option("--completion")
        if let shell, shell != "bash" {
            throw UsageError("there is no completion for '\(shell)', only for bash")
        }
        writesCompletion = shell != nil
        var topic: [String] = []
        while let word = try words.optionalPositional() { topic.append(word) }
        self.topic = topic
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try explain(context.table, to: context.caller, on: context.terminal)
    }

    package func run(in context: LocalContext) throws -> ExitCode {
        try explain(context.table, to: context.caller, on: context.terminal)
    }

    private func explain(_ table: CommandTable, to caller: Caller, on terminal: any Terminal) throws
        -> ExitCode
    {
        try terminal.out(writesCompletion ? table.bashCompletion : table.help(on: topic, for: caller))
        return .success
    }
}
