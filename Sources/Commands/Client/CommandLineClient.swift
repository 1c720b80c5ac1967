import Control
import Glibc
import Support

/// `gatehouse` at the side of the person: finds the daemon, lets it run the command, shows what it says.
package struct CommandLineClient: Sendable {
    private let socketPath: String
    private let terminal: any Terminal

    package init(socketPath: String, terminal: any Terminal) {
        self.socketPath = socketPath
        self.terminal = terminal
    }

    /// Runs the words in the daemon.
    ///
    /// - Throws: `CommandError` when the daemon cannot be reached or leaves before the end.
    package func run(_ words: [String]) throws -> ExitCode {
        let socket = try connect()
        let start = CommandMessage.start(
            words: words, interactive: terminal.isInteractive, columns: UInt32(clamping: terminal.columns))
        guard start.encoded.count <= MessageSocket.messageLimit else {
            throw UsageError("the command line is too long")
        }
        // Whom the daemon turns away finds the socket closed here, and the reason in what there is to read.
        try? socket.send(start.encoded)
        var keyboard: Keyboard?
        while let message = try receive(from: socket, with: keyboard) {
            switch message {
            case .wantKeys:
                if keyboard == nil { keyboard = try Keyboard() }
            case .output(let bytes): try terminal.out(String(decoding: bytes, as: UTF8.self))
            case .error(let bytes): try terminal.err(String(decoding: bytes, as: UTF8.self))
            case .exit(let status): return ExitCode(rawValue: status) ?? .failure
            case .wantInput(let limit):
                try answer(on: socket) { try terminal.readInput(limit: Int(limit)) }
            case .wantFile(let path, let limit):
                try answer(on: socket) {
                    // The daemon may have what was named and nothing else.
                    guard words.contains(where: { $0 == path || $0.hasSuffix("=\(path)") }) else {
                        throw CommandError(.refused, "the command line does not name it")
                    }
                    return try terminal.readFile(path, limit: Int(limit))
                }
            case .ask(let question):
                if let line = try terminal.ask(question.printable) {
                    try socket.send(CommandMessage.input(Array(line.utf8)).encoded)
                } else {
                    try socket.send(CommandMessage.inputFailed(reason: "no answer").encoded)
                }
            case .start, .input, .inputFailed, .keys:
                throw CommandError(.unavailable, "the daemon does not speak the protocol")
            }
        }
        throw CommandError(.unavailable, "the daemon left before the command was done")
    }

    private func connect() throws -> MessageSocket {
        do {
            return try MessageSocket.connect(to: socketPath)
        } catch {
            guard error.number == ENOENT || error.number == ECONNREFUSED else { throw error }
            throw CommandError(
                .unavailable, "the daemon does not run: nobody listens on \(socketPath)",
                hint: "start it with 'systemctl start gatehoused', or name its configuration with --config")
        }
    }

    private func receive(
        from socket: MessageSocket, with keyboard: Keyboard?
    ) throws(CommandError) -> CommandMessage? {
        do {
            while let typed = try keyboard?.typed(before: socket.descriptor) {
                try socket.send(CommandMessage.keys(typed).encoded)
            }
            guard let (message, _) = try socket.receive() else { return nil }
            return try CommandMessage(decoding: message)
        } catch {
            throw CommandError(.unavailable, "the connection to the daemon broke: \(error)")
        }
    }

    private func answer(on socket: MessageSocket, with read: () throws -> [UInt8]) throws {
        let contents: [UInt8]
        do {
            contents = try read()
        } catch {
            let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
            return try socket.send(CommandMessage.inputFailed(reason: reason).encoded)
        }
        for start in stride(from: 0, to: contents.count, by: CommandMessage.pieceLimit) {
            let piece = contents[start..<min(start + CommandMessage.pieceLimit, contents.count)]
            try socket.send(CommandMessage.input(Array(piece)).encoded)
        }
        try socket.send(CommandMessage.input([]).encoded)
    }
}
