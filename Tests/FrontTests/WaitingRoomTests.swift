import Configuration
import Control
import Front
import Glibc
import Support
import TestSupport
import Testing

@Suite("Clients that wait for the daemon")
struct WaitingRoomTests {
    private static let soon = MonotonicTime.now + .seconds(60)

    private static func room(_ limit: Int, ofOne: Int = 2) -> WaitingRoom {
        var configuration = Configuration()
        configuration.maximumStartups = limit
        configuration.maximumStartupsPerAddress = ofOne
        return WaitingRoom(configuration)
    }

    private static func client(
        _ host: String, until deadline: MonotonicTime = soon
    ) throws -> WaitingRoom.Client {
        let (socket, _) = try StreamSocket.pair()
        return .init(socket, from: TCPAddress(host: host, port: 1), until: deadline)
    }

    @Test("are so many and no more, and leave in the order in which they came")
    func bounds() throws {
        let room = Self.room(3)
        try room.take(Self.client("192.0.2.1"))
        try room.take(Self.client("192.0.2.1"))
        #expect(throws: ConnectionLimits.Refusal.maxStartupsPerAddress) {
            try room.take(Self.client("192.0.2.1"))
        }
        try room.take(Self.client("192.0.2.2"))
        #expect(throws: ConnectionLimits.Refusal.maxStartups) { try room.take(Self.client("192.0.2.3")) }
        #expect(!room.empties(until: .now))
        for host in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            #expect(room.first().address.host == host)
            room.removeFirst()
        }
        #expect(room.empties(until: .now))
        try room.take(Self.client("192.0.2.1"))
    }

    @Test("obey other limits from the moment on when they are in force")
    func reload() throws {
        let room = Self.room(1)
        try room.take(Self.client("192.0.2.1"))
        var configuration = Configuration()
        configuration.maximumStartups = 2
        room.use(configuration)
        try room.take(Self.client("192.0.2.2"))
        #expect(throws: ConnectionLimits.Refusal.maxStartups) { try room.take(Self.client("192.0.2.3")) }
    }

    @Test("are brought to the next daemon when one ends without taking them")
    func courier() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/front.sock"
        let listener = try MessageSocket.listen(at: path, mode: 0o600)
        let room = Self.room(10)
        let log: @Sendable () -> Log = { Log(threshold: .critical) }
        try Courier(at: listener, of: geteuid(), from: room, refusals: Refusals(log: log), log: log).start()
        try room.take(Self.client("192.0.2.1"))
        try room.take(Self.client("192.0.2.2"))

        func next(_ daemon: MessageSocket) throws -> (FrontMessage, Int)? {
            try daemon.receive().map { (try FrontMessage(decoding: $0.message), $0.descriptors.count) }
        }
        let first = try #require(IPAddress("192.0.2.1"))
        let second = try #require(IPAddress("192.0.2.2"))
        do {
            let daemon = try MessageSocket.connect(to: path)
            try daemon.send(FrontMessage.welcome.encoded)
            #expect(try #require(try next(daemon)) == (.client(first, port: 1), 1))
            // Ends, and has not said that it has it.
        }
        // Another one never was welcome to anybody.
        _ = try MessageSocket.connect(to: path)
        let daemon = try MessageSocket.connect(to: path)
        try daemon.send(FrontMessage.welcome.encoded)
        #expect(try #require(try next(daemon)) == (.client(first, port: 1), 1))
        try daemon.send(FrontMessage.taken.encoded)
        #expect(try #require(try next(daemon)) == (.client(second, port: 1), 1))
        #expect(!room.empties(until: .now))
        try daemon.send(FrontMessage.taken.encoded)
        #expect(room.empties(until: Self.soon))
    }

    @Test("hear that it has taken too long")
    func deadline() throws {
        let folder = try TemporaryFolder()
        let room = Self.room(10)
        let log: @Sendable () -> Log = { Log(threshold: .critical) }
        let listener = try MessageSocket.listen(at: folder.path + "/front.sock", mode: 0o600)
        try Courier(at: listener, of: geteuid(), from: room, refusals: Refusals(log: log), log: log).start()
        let (socket, peer) = try StreamSocket.pair()
        try room.take(.init(socket, from: TCPAddress(host: "192.0.2.1", port: 1), until: .now))
        #expect(room.empties(until: Self.soon))
        var text = [UInt8](repeating: 0, count: 100)
        let count = try peer.read(into: &text)
        #expect(String(decoding: text[..<count], as: UTF8.self) == "Exceeded LoginGraceTime\r\n")
    }
}
