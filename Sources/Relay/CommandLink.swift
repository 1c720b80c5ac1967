import Control
import Glibc
import SSH
import Support

/// A session channel on the target `gate`: one command of the gateway, which the daemon runs.
final class CommandLink: Link {
    private static let wordLimit = 1_000

    private let daemon: DaemonLink
    private var socket: MessageSocket?
    private var isStarted = false
    private var hasTerminal = false
    private var columns: UInt32 = 0
    /// How many bytes of input the command takes; nil: it has not asked.
    private var inputLimit: UInt64?
    private var sentInputEnd = false
    /// The line that the command has asked for.
    private var entry: LineEntry?
    /// Whether it takes what is typed, as it is typed, and writes to the terminal as it is.
    private var wantsKeys = false
    private var output: [(stream: Channel.Stream, bytes: ArraySlice<UInt8>)] = []
    private var exitStatus: UInt8?
    private var fromClient: UInt64 = 0
    private var toClient: UInt64 = 0

    init(client: Channel, daemon: DaemonLink) {
        self.daemon = daemon
        super.init(client: client)
    }

    override var traffic: (fromClient: UInt64, toClient: UInt64) { (fromClient, toClient) }

    override func take(_ message: IncomingMessage) {
        switch message.kind {
        case .pseudoTerminal(let terminal):
            hasTerminal = true
            columns = UInt32(clamping: terminal.columns)
            message.acceptRequest()
        case .windowChange:
            message.acceptRequest()
        case .shell where !isStarted:
            start(["help"], message)
        case .exec(let command) where !isStarted:
            let words = String(decoding: command, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(
                String.init)
            start(words, message)
        default:
            message.refuse()
        }
    }

    private func start(_ words: [String], _ message: IncomingMessage) {
        isStarted = true
        message.acceptRequest()
        guard words.count <= Self.wordLimit else { return end(because: "the command has too many words") }
        daemon.ask(.command) { [weak self] answer in
            guard let self else { return }
            switch answer.reply {
            case .commandStarted:
                guard let descriptor = answer.descriptors.first else {
                    return end(because: "no command was started")
                }
                open(MessageSocket(descriptor), words)
            case .refused(let reason): end(because: reason)
            default: end(because: "the gateway did not answer")
            }
        }
    }

    private func open(_ socket: MessageSocket, _ words: [String]) {
        do {
            try socket.send(
                CommandMessage.start(
                    words: words, interactive: hasTerminal, columns: hasTerminal ? columns : 0
                ).encoded)
            self.socket = socket
        } catch {
            end(because: "the command could not be started")
        }
    }

    override func advance(through buffer: inout [UInt8], now: MonotonicTime) -> Bool {
        if client.isClosedByPeer {
            socket = nil
            client.close()
        }
        guard !client.isClosed else { return false }
        // In this order: the client's input may all be here before the command asks for it.
        receiveOutput()
        sendInput(through: &buffer)
        takeLine(through: &buffer)
        sendKeys(through: &buffer)
        writeOutput()
        finishIfDone()
        return false
    }

    /// Gives the command what the client sent, once it wants input.
    private func sendInput(through buffer: inout [UInt8]) {
        guard let inputLimit, !sentInputEnd, let socket else { return }
        while client.buffered(.standard) > 0 {
            let count = client.read(.standard, into: &buffer, limit: CommandMessage.pieceLimit)
            guard count > 0 else { break }
            fromClient += UInt64(count)
            guard fromClient <= inputLimit else {
                sentInputEnd = true
                return send(.inputFailed(reason: "more than \(inputLimit) bytes"), on: socket)
            }
            send(.input(Array(buffer[..<count])), on: socket)
        }
        if client.hasEnded {
            sentInputEnd = true
            send(.input([]), on: socket)
        }
    }

    /// Shows what is typed, and gives the command the line when it is whole; what comes after it is for the next question.
    private func takeLine(through buffer: inout [UInt8]) {
        while var entry, let socket {
            // Who types and does not read what is shown waits.
            writeOutput()
            guard output.isEmpty else { return }
            // One by one, so that nothing is taken that belongs to a later question.
            guard client.read(.standard, into: &buffer, limit: 1) > 0 else {
                guard client.hasEnded else { return }
                self.entry = nil
                return send(.inputFailed(reason: "nobody answers"), on: socket)
            }
            fromClient += 1
            let (_, echo) = entry.take(buffer[..<1])
            if !echo.isEmpty { output.append((.standard, echo[...])) }
            self.entry = entry.state == .typing ? entry : nil
            switch entry.state {
            case .typing: break
            case .entered(let line): send(.input(line), on: socket)
            case .abandoned: send(.inputFailed(reason: "nobody answers"), on: socket)
            }
        }
    }

    private func sendKeys(through buffer: inout [UInt8]) {
        guard wantsKeys, let socket else { return }
        while client.buffered(.standard) > 0 {
            // Who types faster than the command looks waits: the socket has little room.
            var poller = Poller()
            let index = poller.add(socket.descriptor, reading: false, writing: true)
            poller.check()
            guard poller.isReady(index) else { return }
            let count = client.read(.standard, into: &buffer, limit: 4_096)
            guard count > 0 else { return }
            fromClient += UInt64(count)
            send(.keys(Array(buffer[..<count])), on: socket)
        }
    }

    /// That the command has gone shows when its output is taken.
    private func send(_ message: CommandMessage, on socket: MessageSocket) {
        try? socket.send(message.encoded)
    }

    /// Takes messages of the command while the client takes what they bring.
    private func receiveOutput() {
        while output.isEmpty, exitStatus == nil, let socket {
            var poller = Poller()
            let index = poller.add(socket.descriptor)
            poller.check()
            guard poller.isReady(index) else { return }
            do {
                guard let (bytes, _) = try socket.receive() else { throw WireError("the command has gone") }
                take(try CommandMessage(decoding: bytes), on: socket)
            } catch {
                self.socket = nil
                end(because: "the command ended without a result")
            }
        }
    }

    private func take(_ message: CommandMessage, on socket: MessageSocket) {
        switch message {
        case .output(let bytes): output.append((.standard, forTerminal(bytes)))
        case .error(let bytes): output.append((.error, forTerminal(bytes)))
        case .exit(let status): exitStatus = status
        case .wantInput(let limit): inputLimit = UInt64(limit)
        case .wantFile:
            send(
                .inputFailed(reason: "files of your machine are out of reach here: use - and standard input"),
                on: socket)
        case .wantKeys: wantsKeys = hasTerminal
        case .ask(let question) where hasTerminal:
            output.append((.standard, Array((question + " ").utf8)[...]))
            entry = LineEntry()
        case .ask:
            send(.inputFailed(reason: "nobody can be asked here: add --yes"), on: socket)
        case .start, .input, .inputFailed, .keys: self.socket = nil
        }
    }

    /// A client with a terminal has it in raw mode: lines need their carriage returns.
    private func forTerminal(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        guard hasTerminal, !wantsKeys else { return bytes[...] }
        return ArraySlice(bytes.flatMap { $0 == UInt8(ascii: "\n") ? [UInt8(ascii: "\r"), $0] : [$0] })
    }

    private func writeOutput() {
        while let first = output.first, client.transport.hasRoom {
            guard let taken = client.write(first.stream, first.bytes) else {
                output = []
                return
            }
            toClient += UInt64(taken)
            guard taken == first.bytes.count else {
                output[0].bytes = first.bytes.dropFirst(taken)
                return
            }
            output.removeFirst()
        }
    }

    private func finishIfDone() {
        guard let exitStatus, output.isEmpty, !client.isClosed else { return }
        client.sendExitStatus(Int32(exitStatus))
        client.close()
    }

    override func register(with poller: inout Poller) {
        let hasKeys = wantsKeys && client.buffered(.standard) > 0
        guard let socket, exitStatus == nil, output.isEmpty || hasKeys else { return }
        poller.add(socket.descriptor, reading: output.isEmpty, writing: hasKeys)
    }

    override func end(because sentence: String) {
        guard !client.isClosed else { return }
        client.explain(sentence)
        client.sendExitStatus(255)
        client.close()
    }
}
