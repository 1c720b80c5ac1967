import Glibc
import Support
import Testing

@Suite("TCP")
struct TCPTests {
    /// Listens on a port that the system picks, and tells which.
    private func listen(_ host: String) throws -> (listener: Descriptor, port: UInt16) {
        let listener = try #require(try TCP.listen(on: TCPAddress(host: host, port: 0)).first)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutableBytes(of: &address) { raw in
            unsafe getsockname(
                listener.number, raw.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        try SystemError.check(result, "getsockname")
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    @Test("a connection tells both ends' bytes and the client's address")
    func connects() throws {
        let (listener, port) = try listen("127.0.0.1")
        let client = try TCP.connect(to: TCPAddress(host: "127.0.0.1", port: port), timeout: .seconds(5))
        let (server, peer) = try TCP.accept(from: listener)
        #expect(peer.host == "127.0.0.1")
        #expect(peer.port != 0)
        #expect(TCP.localAddress(of: client) == peer)
        #expect(TCP.localAddress(of: server) == TCPAddress(host: "127.0.0.1", port: port))
        #expect(TCP.localAddress(of: try Descriptor.pipe().read) == nil)
        #expect(fcntl(server.number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(client.number, F_GETFL) & O_NONBLOCK == 0)
        TCP.tune(client)
        try client.writeAll([1, 2])
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(try server.read(into: &buffer) == 2)
    }

    @Test("nobody listening is 'connection refused', and it is quick")
    func refused() throws {
        let port = try listen("127.0.0.1").port
        #expect(throws: TCPError("connection refused")) {
            try TCP.connect(to: TCPAddress(host: "127.0.0.1", port: port), timeout: .seconds(5))
        }
    }

    @Test("a name is listened on at all its addresses, an unknown one is an error")
    func names() throws {
        #expect(try !TCP.listen(on: TCPAddress(host: "localhost", port: 0)).isEmpty)
        #expect(throws: TCPError.self) { try TCP.listen(on: TCPAddress(host: "", port: 0)) }
        #expect(throws: TCPError.self) { try TCP.listen(on: TCPAddress(host: "1.2.3.4.5", port: 0)) }
    }

    @Test("an IPv6 address is written in brackets")
    func description() {
        #expect(TCPAddress(host: "::1", port: 22).description == "[::1]:22")
        #expect(TCPAddress(host: "10.0.0.1", port: 22).description == "10.0.0.1:22")
    }
}
