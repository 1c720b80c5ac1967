import Configuration
import Glibc

/// The whole of `gatehouse` on a command line.
package struct CommandLineTool: Sendable {
    private let table: CommandTable
    private let terminal: any Terminal
    /// What GATEHOUSE_CONFIG says.
    private let environmentPath: String?

    package init(
        terminal: any Terminal, environmentPath: String?, table: CommandTable = .gatehouse
    ) {
        self.terminal = terminal
        self.environmentPath = environmentPath
        self.table = table
    }

    /// Runs what this process was called with.
    ///
    /// - Returns: the exit status.
    package static func main() -> Int32 {
        let path = unsafe getenv("GATEHOUSE_CONFIG").map { unsafe String(cString: $0) }
        let tool = CommandLineTool(terminal: LocalTerminal(), environmentPath: path)
        return Int32(tool.run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Runs the words after the program's name: here, or in the daemon.
    package func run(_ arguments: [String]) -> ExitCode {
        var words = arguments
        do {
            let path = try Self.takeConfigurationPath(from: &words) ?? environmentPath
            let context = LocalContext(
                terminal: terminal, configurationPath: path ?? Configuration.defaultPath, table: table)
            return table.run(words, for: context.caller, on: terminal) { command in
                if let command = command as? any LocalCommand { return try command.run(in: context) }
                let socket = try context.configuration().controlSocketPath
                return try CommandLineClient(socketPath: socket, terminal: terminal).run(words)
            }
        } catch {
            let report = ErrorReport(for: error)
            try? terminal.err(report.text(what: ""))
            return report.code
        }
    }

    /// Takes `--config FILE` away, which may stand anywhere before `--`.
    private static func takeConfigurationPath(from words: inout [String]) throws(UsageError) -> String? {
        let end = words.firstIndex(of: "--") ?? words.endIndex
        guard let index = words[..<end].firstIndex(where: { $0 == "--config" || $0.hasPrefix("--config=") })
        else { return nil }
        let word = words.remove(at: index)
        if word != "--config" { return String(word.dropFirst("--config=".count)) }
        guard index < end - 1 else { throw UsageError("--config needs a value") }
        return words.remove(at: index)
    }
}
