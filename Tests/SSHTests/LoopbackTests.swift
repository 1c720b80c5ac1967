import Glibc
import SSH
import Support
import TestSupport
import Testing

/// A server and a client of ours at the two ends of one socket pair, turned by one thread.
private final class Loopback {
    let server: ServerTransport
    let client: ClientTransport
    let key: SessionKey
    private(set) var methods: [IncomingMessage.AuthenticationMethod] = []

    init(rekeyBytes: UInt64 = 0) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/host"
        var keygen = ChildProcess("/usr/bin/ssh-keygen", descriptors: [])
        keygen.arguments = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]
        #expect(ChildProcess.wait(for: try keygen.start()) == 0)
        let hostKey = String(
            decoding: try Descriptor.open(path, O_RDONLY).readAll(limit: 10_000), as: UTF8.self)

        var ends: [Int32] = [-1, -1]
        try SystemError.check(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends), "socketpair")
        let (left, right) = (Descriptor(adopting: ends[0]), Descriptor(adopting: ends[1]))
        try left.setNonBlocking(true)
        try right.setNonBlocking(true)
        server = try ServerTransport(serving: left, hostKeys: [hostKey], rekeyBytes: rekeyBytes)
        client = try ClientTransport(
            connecting: right, user: "alice", hostKeyTypes: ["ssh-ed25519"], rekeyBytes: rekeyBytes)
        key = try SessionKey()
        try shakeHands()
        try logIn()
    }

    private func shakeHands() throws {
        var (serverDone, clientDone) = (false, false)
        for _ in 0..<100_000 where !(serverDone && clientDone) {
            if !clientDone { clientDone = try client.connect() == .done }
            if !serverDone { serverDone = try server.handshake() == .done }
        }
        try #require(serverDone && clientDone)
        try server.startProcessing()
    }

    private func logIn() throws {
        var progress = Progress.again
        for _ in 0..<100_000 where progress == .again {
            progress = try client.logIn(with: key)
            _ = server.process()
            while let message = server.nextMessage() {
                switch message.kind {
                case .service: message.acceptService()
                case .authentication(_, let method):
                    methods.append(method)
                    if case .publicKeyVerified = method { message.acceptLogin() } else { message.refuse() }
                default: message.refuse()
                }
            }
        }
        try #require(progress == .done)
        try client.startProcessing()
    }

    func turn() {
        _ = client.process()
        _ = server.process()
    }

    /// Turns both ends until `condition` holds.
    func turn(until condition: () -> Bool) throws {
        for _ in 0..<200_000 where !condition() { turn() }
        try #require(condition())
    }

    /// Opens a session channel: the client's end and the server's.
    func openSession() throws -> (client: Channel, server: Channel) {
        let channel = try client.makeChannel()
        var accepted: Channel?
        var progress = Progress.again
        for _ in 0..<100_000 where progress == .again {
            progress = channel.open(.session)
            _ = server.process()
            if let message = server.nextMessage() { accepted = message.acceptChannel(on: server) }
        }
        try #require(progress == .done)
        return (channel, try #require(accepted))
    }
}

@Suite("SSH connections between our own server and client")
struct LoopbackTests {
    @Test("a login arrives as a verified signature by the client's key")
    func logsIn() throws {
        let loopback = try Loopback()
        #expect(loopback.methods.last == .publicKeyVerified(loopback.key.publicKey))
    }

    @Test("data passes both ways and the two streams stay apart")
    func passesData() throws {
        let loopback = try Loopback()
        let (client, server) = try loopback.openSession()
        #expect(client.write(.standard, Array("up".utf8)[...]) == 2)
        #expect(server.write(.standard, Array("down".utf8)[...]) == 4)
        #expect(server.write(.error, Array("error".utf8)[...]) == 5)
        try loopback.turn {
            server.buffered(.standard) == 2 && client.bufferedStandard == 4 && client.bufferedError == 5
        }
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(client.read(.error, into: &buffer, limit: 64) == 5)
        #expect(String(decoding: buffer[..<5], as: UTF8.self) == "error")
        #expect(client.read(.standard, into: &buffer, limit: 2) == 2)
        #expect(client.bufferedStandard == 2)
    }

    @Test("what is not read closes the window, and reading opens it again")
    func holdsBack() throws {
        let loopback = try Loopback()
        let (client, server) = try loopback.openSession()
        let piece = [UInt8](repeating: 7, count: 64 * 1024)
        var sent = 0
        for _ in 0..<2_000 {
            sent += server.write(.standard, piece[...]) ?? 0
            loopback.turn()
        }
        #expect(server.window == 0)
        #expect(sent < 4 * 1024 * 1024)
        try loopback.turn { client.bufferedStandard == sent }
        var buffer = [UInt8](repeating: 0, count: 1024 * 1024)
        var received = 0
        while client.bufferedStandard > 0 {
            received += client.read(.standard, into: &buffer, limit: buffer.count)
        }
        #expect(received == sent)
        try loopback.turn { server.window > 0 }
    }

    @Test("exit status, end and close arrive")
    func endsPrograms() throws {
        let loopback = try Loopback()
        let (client, server) = try loopback.openSession()
        server.sendExitStatus(7)
        server.sendEnd()
        server.close()
        try loopback.turn { client.isClosedByPeer }
        #expect(client.exitStatus == 7)
        #expect(client.hasEnded)
        client.close()
        try loopback.turn { server.isClosedByPeer }
        #expect(client.write(.standard, [1]) == nil)
    }

    @Test("exit signals and signals arrive with their names")
    func passesSignals() throws {
        let loopback = try Loopback()
        let (client, server) = try loopback.openSession()
        #expect(client.request(.signal(Array("TERM".utf8))) == .done)
        server.sendExitSignal(.init(name: Array("KILL".utf8), coreDumped: true, message: Array("gone".utf8)))
        try loopback.turn { client.exitSignal != nil && !server.receivedSignals.isEmpty }
        #expect(server.receivedSignals == [Array("TERM".utf8)])
        #expect(
            client.exitSignal
                == .init(name: Array("KILL".utf8), coreDumped: true, message: Array("gone".utf8)))
    }

    @Test("a command's bytes arrive unchanged, also when they are not UTF-8")
    func keepsCommands() throws {
        let loopback = try Loopback()
        let (client, _) = try loopback.openSession()
        let command: [UInt8] = [0x66, 0xFF, 0xFE, 0x80, 0x0A, 0x20]
        var received: IncomingMessage.Kind?
        var progress = Progress.again
        for _ in 0..<100_000 where progress == .again {
            progress = client.request(.exec(command))
            _ = loopback.server.process()
            if let message = loopback.server.nextMessage() {
                received = message.kind
                message.acceptRequest()
            }
        }
        #expect(progress == .done)
        #expect(received == .exec(command))
    }

    @Test("agent requests are refused unless they were allowed", arguments: [true, false])
    func asksForAgent(_ allowed: Bool) throws {
        let loopback = try Loopback()
        let (client, server) = try loopback.openSession()
        if allowed { server.allowAgentRequest() }
        _ = client.request(.agent)
        for _ in 0..<1_000 { loopback.turn() }
        #expect(server.agentWasRequested == allowed)
    }

    @Test("new keys are made in mid-stream and nothing is lost")
    func rekeys() throws {
        let loopback = try Loopback(rekeyBytes: 256 * 1024)
        let (client, server) = try loopback.openSession()
        var buffer = [UInt8](repeating: 0, count: 128 * 1024)
        var pending: ArraySlice<UInt8> = []
        var (sent, received) = (0, 0)
        let total = 3 * 1024 * 1024
        for _ in 0..<200_000 where received < total {
            if pending.isEmpty, sent < total {
                pending = [UInt8](repeating: 9, count: min(50_000, total - sent))[...]
            }
            if !pending.isEmpty {
                let taken = try #require(server.write(.standard, pending))
                sent += taken
                pending = pending.dropFirst(taken)
            }
            loopback.turn()
            received += client.read(.standard, into: &buffer, limit: buffer.count)
        }
        #expect(received == total)
    }

    @Test("a message that is dropped unanswered is refused")
    func refusesDroppedMessages() throws {
        let loopback = try Loopback()
        let channel = try loopback.client.makeChannel()
        var progress = Progress.again
        for _ in 0..<100_000 where progress == .again {
            progress = channel.open(.directTCP(host: "h", port: 1, originator: "o", originatorPort: 2))
            _ = loopback.server.process()
            if let message = loopback.server.nextMessage() {
                #expect(
                    message.kind == .openDirectTCP(host: "h", port: 1, originator: "o", originatorPort: 2))
            }
        }
        #expect(progress == .refused)
    }

    @Test("a message that waits for its answer keeps its connection")
    func keepsConnection() throws {
        weak var server: ServerTransport?
        var waiting: IncomingMessage?
        do {
            let loopback = try Loopback()
            server = loopback.server
            let channel = try loopback.client.makeChannel()
            for _ in 0..<100_000 where waiting == nil {
                #expect(channel.open(.session) == .again)
                _ = loopback.server.process()
                waiting = loopback.server.nextMessage()
            }
        }
        #expect(waiting?.kind == .openSession)
        #expect(server != nil)
        waiting = nil
        #expect(server == nil)
    }
}

@Suite("Session keys")
struct SessionKeyTests {
    @Test("each is new, and its blob is an Ed25519 key")
    func areFresh() throws {
        let (first, second) = (try SessionKey(), try SessionKey())
        #expect(first.publicKey != second.publicKey)
        var reader = WireReader(first.publicKey)
        #expect(try reader.string() == "ssh-ed25519")
        #expect(try reader.data().count == 32)
    }

    @Test(
        "bytes that are no certificate are refused",
        arguments: [[], [0], Array(repeating: 0xFF, count: 300)] as [[UInt8]])
    func refusesBadCertificates(_ bytes: [UInt8]) throws {
        let key = try SessionKey()
        #expect(throws: SSHError.self) { try key.attach(certificate: bytes) }
    }
}
