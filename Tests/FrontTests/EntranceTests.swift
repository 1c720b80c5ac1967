import Configuration
import Front
import Glibc
import Support
import TestSupport
import Testing

@Suite("The entrance")
struct EntranceTests {
    private static var soon: MonotonicTime { .now + .seconds(60) }

    @Test("waits at its end for a proxy that has not said yet for whom it comes")
    func proxy() throws {
        let listening = try TCP.listen(on: TCPAddress(host: "127.0.0.1", port: 0))
        let port = try #require(listening.first.flatMap { TCP.localAddress(of: $0) }).port
        var configuration = Configuration()
        configuration.proxies = [try #require(Network("127.0.0.0/8"))]
        let log: @Sendable () -> Log = { Log(threshold: .critical) }
        let entrance = try Entrance(
            sockets: listening, configuration: { [configuration] in configuration },
            refusals: Refusals(log: log), log: log)
        let received = Awaited<[TCPAddress]>([])
        try entrance.open { _, peer in received.change { $0.append(peer) } }

        let silent = try TCP.connect(to: TCPAddress(host: "127.0.0.1", port: port), timeout: .seconds(60))
        let next = try TCP.connect(to: TCPAddress(host: "127.0.0.1", port: port), timeout: .seconds(60))
        try next.writeAll(Array("PROXY TCP4 192.0.2.7 127.0.0.1 4660 22\r\n".utf8))
        // Then the one before it has been accepted too.
        let first = received.wait(until: Self.soon) { $0.first }
        #expect(first == TCPAddress(host: "192.0.2.7", port: 4_660))

        let isClosed = Awaited(false)
        try Thread.start("close") {
            entrance.close(until: Self.soon)
            isClosed.change { $0 = true }
        }
        #expect(isClosed.wait(until: .now + .milliseconds(100)) { $0 ? true : nil } == nil)
        try silent.writeAll(Array("PROXY TCP4 192.0.2.8 127.0.0.1 4661 22\r\n".utf8))
        #expect(isClosed.wait(until: Self.soon) { $0 ? true : nil } == true)
        #expect(received.change { $0.map(\.host) } == ["192.0.2.7", "192.0.2.8"])
    }
}
