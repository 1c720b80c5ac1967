import Audit
import Commands
import Control
import Directory
import Support
import Testing

@Suite("Commands over a socket")
struct CommandServiceTests {
    /// Serves one end of a pair in a thread.
    ///
    /// - Returns: the other end, and what tells that serving is over.
    private func serve(_ gateway: Gateway, as caller: Caller = Gateway.root) throws -> (
        MessageSocket, Descriptor
    ) {
        let (daemon, terminal) = try MessageSocket.pair()
        let (done, running) = try Descriptor.pipe()
        let service = CommandService(gateway.services)
        try Thread.start("serve") {
            service.serve(daemon, for: caller)
            withExtendedLifetime((running, gateway)) {}
        }
        return (terminal, done)
    }

    private func messages(from socket: MessageSocket) throws -> [CommandMessage] {
        var list: [CommandMessage] = []
        while let (message, _) = try socket.receive() { list.append(try CommandMessage(decoding: message)) }
        return list
    }

    private func start(_ line: String, interactive: Bool = false) -> [UInt8] {
        let words = line.split(separator: " ").map(String.init)
        return CommandMessage.start(words: words, interactive: interactive, columns: 0).encoded
    }

    @Test("a command's output is followed by its status")
    func plain() throws {
        let (socket, _) = try serve(try Gateway())
        try socket.send(start("pool list"))
        #expect(
            try messages(from: socket) == [
                .output(Array("NAME      HOSTS\ncommunal  communal1\n".utf8)), .exit(0),
            ])
    }

    @Test("what does not fit one message comes in several, never cut within a character")
    func long() throws {
        let gateway = try Gateway()
        for number in 0..<900 {
            try gateway.services.events.append(
                Event(.refused, detail: ["what": String(repeating: "é", count: 60 + number % 2)]))
        }
        let (socket, _) = try serve(gateway)
        try socket.send(start("event list --limit 900"))
        let pieces = try messages(from: socket).dropLast().map { message -> [UInt8] in
            guard case .output(let bytes) = message else { return [] }
            return bytes
        }
        #expect(pieces.count > 1)
        #expect(
            pieces.allSatisfy {
                $0.count <= CommandMessage.pieceLimit && String(validating: $0, as: UTF8.self) != nil
            })
    }

    @Test("a file and standard input come in pieces", arguments: ["k.pub", "-"])
    func input(_ path: String) throws {
        let gateway = try Gateway()
        let (socket, _) = try serve(gateway)
        try socket.send(start("key add bob \(path)"))
        let wanted = try CommandMessage(decoding: try #require(try socket.receive()).message)
        #expect(wanted == (path == "-" ? .wantInput(limit: 65_536) : .wantFile(path: path, limit: 65_536)))
        let key = Array(Gateway.key(9).utf8)
        try socket.send(CommandMessage.input(Array(key[..<20])).encoded)
        try socket.send(CommandMessage.input(Array(key[20...])).encoded)
        try socket.send(CommandMessage.input([]).encoded)
        #expect(try messages(from: socket).last == .exit(0))
        #expect(try gateway.services.directory.keys(of: "bob").count == 1)
    }

    @Test("over SSH a file is refused with the way that works")
    func noFiles() throws {
        let (socket, _) = try serve(try Gateway(), as: Gateway.alice)
        try socket.send(start("keys add id.pub"))
        let answers = try messages(from: socket)
        #expect(answers.last == .exit(64))
        guard case .error(let bytes) = answers.first else { throw TerminalGone() }
        #expect(
            String(decoding: bytes, as: UTF8.self).contains(
                "hint: use '-' and send the file on standard input"))
    }

    @Test("a person is asked, and no answer is a no")
    func asks() throws {
        for answer in [CommandMessage.input(Array("y".utf8)), .inputFailed(reason: "no")] {
            let (socket, _) = try serve(try Gateway())
            try socket.send(start("user leave bob", interactive: true))
            guard case .ask = try CommandMessage(decoding: try #require(try socket.receive()).message) else {
                throw TerminalGone()
            }
            try socket.send(answer.encoded)
            #expect(try messages(from: socket).last == .exit(answer == .inputFailed(reason: "no") ? 1 : 0))
        }
    }

    @Test("following ends when the peer leaves")
    func followEnds() throws {
        let gateway = try Gateway()
        try gateway.services.events.append(Event(.daemonStarted))
        var (socket, done): (MessageSocket?, Descriptor) = try serve(gateway)
        try socket?.send(start("event list --follow"))
        _ = try socket?.receive()
        try gateway.services.events.append(Event(.daemonStopped))
        let second = try CommandMessage(decoding: try #require(try socket?.receive()).message)
        guard case .output(let bytes) = second else { throw TerminalGone() }
        #expect(String(decoding: bytes, as: UTF8.self).contains("daemon.stop"))
        socket = nil
        var buffer = [UInt8](repeating: 0, count: 1)
        #expect(try done.read(into: &buffer) == 0)
    }

    @Test(
        "bytes that are no start end the conversation without an answer",
        arguments: [
            [0], [99, 1, 2], [1], [1, 0xFF, 0xFF, 0xFF, 0xFF], [1, 0, 0, 0, 1, 0, 0, 0, 9, 1],
            CommandMessage.exit(0).encoded, CommandMessage.output([1]).encoded,
            [1, 0, 0, 0, 1, 0, 0, 0, 1, 0xFF, 1, 0, 0, 0, 0],
        ] as [[UInt8]])
    func hostileStart(_ bytes: [UInt8]) throws {
        let (socket, done) = try serve(try Gateway())
        try socket.send(bytes)
        #expect(try messages(from: socket).isEmpty)
        var buffer = [UInt8](repeating: 0, count: 1)
        #expect(try done.read(into: &buffer) == 0)
    }

    @Test(
        "a peer that breaks the protocol later changes nothing",
        arguments: [
            [0], [8], CommandMessage.exit(0).encoded,
            CommandMessage.start(words: [], interactive: true, columns: 0).encoded,
            CommandMessage.input([UInt8](repeating: 65, count: 65_537)).encoded,
        ] as [[UInt8]])
    func hostileAnswer(_ bytes: [UInt8]) throws {
        let gateway = try Gateway()
        let (socket, done) = try serve(gateway)
        try socket.send(start("key add bob -"))
        _ = try socket.receive()
        try socket.send(bytes)
        var buffer = [UInt8](repeating: 0, count: 1)
        #expect(try done.read(into: &buffer) == 0)
        #expect(try gateway.services.directory.keys(of: "bob").isEmpty)
    }

    @Test("words with control characters cannot forge output")
    func forgedWords() throws {
        let (socket, _) = try serve(try Gateway())
        try socket.send(
            CommandMessage.start(words: ["\u{1B}[2Juser", "a\nb"], interactive: false, columns: 0).encoded)
        guard case .error(let bytes) = try messages(from: socket).first else { throw TerminalGone() }
        #expect(!bytes.contains(0x1B))
        #expect(bytes.split(separator: 10).count == 2)
    }
}
