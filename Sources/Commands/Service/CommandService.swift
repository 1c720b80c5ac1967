import Audit
import Control
import Glibc
package import Support

/// Runs commands for terminals at the other end of sockets.
package struct CommandService: Sendable {
    /// How long the other end may take to say what it wants.
    private static let startLimit = Duration.seconds(10)

    private let services: CommandServices
    private let table: CommandTable

    package init(_ services: CommandServices, table: CommandTable = .gatehouse) {
        self.services = services
        self.table = table
    }

    /// Reads what to run, runs it, sends how it ended; returns when that is done or the peer has left.
    ///
    /// Blocks, so it wants a thread of its own. Never throws, whatever the peer sends.
    package func serve(_ socket: MessageSocket, for caller: Caller) {
        defer { socket.shutDown() }
        var entry = pollfd(fd: socket.descriptor.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, Int32(clamping: Self.startLimit.milliseconds)) > 0,
            let (message, _) = try? socket.receive(),
            case .start(let words, let interactive, let columns)? = try? CommandMessage(decoding: message)
        else { return }
        let terminal = RemoteTerminal(
            socket, isInteractive: interactive, columns: Int(columns), hasFiles: caller.userName == nil)
        let code = run(words, for: caller, on: terminal)
        try? terminal.send(.exit(code.rawValue))
    }

    /// Runs words for a caller; errors are written to the terminal.
    package func run(_ words: [String], for caller: Caller, on terminal: any Terminal) -> ExitCode {
        let context = CommandContext(services: services, caller: caller, terminal: terminal, table: table)
        var isNoted = false
        let code = table.run(words, for: caller, on: terminal) { command throws in
            guard let command = command as? any DaemonCommand else {
                throw CommandError(.refused, "this runs on the gateway's machine itself")
            }
            try note(.commandRun, ["command": Self.line(words)], by: caller)
            isNoted = true
            return try command.run(in: context)
        }
        if code == .refused, !isNoted {
            try? note(
                .refused, ["what": "command \(Self.line(words))", "reason": "not for this user"], by: caller)
        }
        return code
    }

    /// Notes what a person runs over SSH, or may not run; what the operator changes is noted by the change.
    private func note(_ kind: EventKind, _ detail: [String: String], by caller: Caller) throws {
        guard let name = caller.userName else { return }
        try services.events.append(
            Event(
                kind, at: services.now(), session: caller.session, user: name, address: caller.address,
                detail: detail))
    }

    private static func line(_ words: [String]) -> String {
        String(words.joined(separator: " ").prefix(1_000))
    }
}

extension CommandTable {
    /// Finds the command, asks whether the caller may, reads its words and lets `perform` run it; writes what went wrong.
    func run(
        _ words: [String], for caller: Caller, on terminal: any Terminal,
        perform: (any Command) throws -> ExitCode
    ) -> ExitCode {
        var title = ""
        do {
            switch try match(words) {
            case .help(let topic):
                try terminal.out(help(on: topic, for: caller))
                return .success
            case .command(let command, let arguments):
                title = command.title
                try caller.mayRun(command)
                var reader = ArgumentReader(arguments)
                return try perform(try command.init(parsing: &reader))
            }
        } catch is TerminalGone {
            return .failure
        } catch {
            let report = ErrorReport(for: error, in: title)
            try? terminal.err(report.text(what: title))
            return report.code
        }
    }
}
