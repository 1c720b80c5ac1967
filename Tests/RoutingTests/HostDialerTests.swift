import Directory
import Glibc
import Routing
import Support
import Testing

@Suite("dialling a host")
struct HostDialerTests {
    private static func host(_ address: String, _ port: UInt16) -> Host {
        Host(name: "c1", address: address, port: port, keys: [], added: Timestamp(milliseconds: 0))
    }

    /// Some port at which nobody listens, and a listener at another, both below the ephemeral ones.
    private static func listen(on address: String) throws -> (listener: Descriptor, port: UInt16) {
        for port in UInt16(21_300)...21_400 {
            let address = TCPAddress(host: address, port: port)
            if let listener = try? TCP.listen(on: address).first { return (listener, port) }
        }
        throw TCPError("no free port")
    }

    @Test("gives a connected, blocking socket that sends at once", arguments: ["127.0.0.1", "localhost"])
    func connects(_ name: String) throws {
        let (listener, port) = try Self.listen(on: "127.0.0.1")
        let socket = try HostDialer.dial(Self.host(name, port), timeout: .seconds(5))
        let peer = try TCP.accept(from: listener).socket
        try socket.writeAll([1, 2, 3])
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(try peer.read(into: &buffer) == 3)
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(socket.number, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size)
        #expect(value != 0)
        #expect(fcntl(socket.number, F_GETFL) & O_NONBLOCK == 0)
    }

    @Test("says that the host refuses")
    func refused() throws {
        let port = try Self.listen(on: "127.0.0.2").port
        #expect(throws: TCPError("connection refused")) {
            try HostDialer.dial(Self.host("127.0.0.2", port), timeout: .seconds(5))
        }
    }

    @Test("says that nothing answered in time, and does not wait longer")
    func timedOut() throws {
        // A full backlog: the kernel answers no further connection.
        let listener = try #require(try TCP.listen(on: TCPAddress(host: "127.0.0.3", port: 21_299)).first)
        Glibc.listen(listener.number, 0)
        let first = try HostDialer.dial(Self.host("127.0.0.3", 21_299), timeout: .seconds(1))
        let start = MonotonicTime.now
        #expect(throws: TCPError("connection timed out")) {
            try HostDialer.dial(Self.host("127.0.0.3", 21_299), timeout: .milliseconds(200))
        }
        #expect(MonotonicTime.now - start < .seconds(3))
        withExtendedLifetime(first) {}
    }

    @Test("says that there is no such name")
    func unknownName() {
        #expect(throws: TCPError.self) {
            try HostDialer.dial(Self.host("nowhere.invalid", 22), timeout: .seconds(1))
        }
    }
}
