import Front
import Support
import TestSupport
import Testing

@Suite("The PROXY protocol")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Feeds bytes as a socket would, never more than are wanted.
    ///
    /// - Returns: the end, and how many bytes it took; nil: it wants more.
    private func read(_ bytes: [UInt8]) throws -> (origin: ProxyHeader.Origin, count: Int)? {
        var header = ProxyHeader()
        var progress = try header.take([])
        var offset = 0
        while case .wants(let count) = progress {
            #expect(count > 0)
            guard offset < bytes.count else { return nil }
            let end = min(bytes.count, offset + count)
            progress = try header.take(bytes[offset..<end])
            offset = end
        }
        guard case .done(let origin) = progress else { return nil }
        return (origin, offset)
    }

    private func second(
        _ command: UInt8, _ family: UInt8, _ body: [UInt8], length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? body.count
        return Self.signature + [command, family, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + body
    }

    private let four: [UInt8] = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0x00, 0x16]
    private var six: [UInt8] {
        [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9] + [UInt8](repeating: 0, count: 15)
            + [1, 0xFF, 0xFF, 0, 22]
    }

    @Test(
        "version 1 names the client",
        arguments: [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 4660 22\r\n", TCPAddress(host: "192.0.2.7", port: 4_660)),
            (
                "PROXY TCP6 2001:DB8::9 ::1 65535 22\r\n", TCPAddress(host: "2001:db8::9", port: 65_535)
            ),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::1 0 22\r\n", TCPAddress(host: "192.0.2.7", port: 0)),
        ])
    func firstVersion(_ line: String, _ wanted: TCPAddress) throws {
        let bytes = Array(line.utf8)
        let read = try #require(try read(bytes + Array("SSH-2.0-x\r\n".utf8)))
        #expect(read.origin == .client(wanted))
        #expect(read.count == bytes.count)
    }

    @Test("version 2 names the client, and what else it tells is skipped")
    func secondVersion() throws {
        for (body, family, host, port) in [
            (four, 0x11, "192.0.2.7", 0x1234), (four + [3, 0, 1, 7], 0x11, "192.0.2.7", 0x1234),
            (six, 0x21, "2001:db8::9", 0xFFFF),
        ] as [([UInt8], UInt8, String, UInt16)] {
            let bytes = second(0x21, family, body)
            let read = try #require(try read(bytes + Array("SSH-2.0-x\r\n".utf8)))
            #expect(read.origin == .client(TCPAddress(host: host, port: port)))
            #expect(read.count == bytes.count)
        }
    }

    @Test("what is the proxy's own, or of nobody it knows, is the proxy's")
    func own() throws {
        let headers: [[UInt8]] = [
            Array("PROXY UNKNOWN\r\n".utf8), Array("PROXY UNKNOWN 1 2 3 4\r\n".utf8),
            second(0x20, 0x00, []), second(0x20, 0x11, four), second(0x21, 0x00, [1, 2, 3]),
        ]
        for header in headers {
            #expect(try read(header)?.origin == .proxy)
        }
    }

    @Test(
        "a line that is not quite right is refused",
        arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n", "proxy TCP4 192.0.2.7 10.0.0.1 1 22\r\n", "PROXX", "\r\nSSH",
            "PROXY  TCP4 192.0.2.7 10.0.0.1 1 22\r\n", "PROXY TCP4 192.0.2.7 10.0.0.1 1 22 \r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n", "PROXY TCP4 192.0.2.7 10.0.0.1 65536 22\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 01 22\r\n", "PROXY TCP4 192.0.2.7 10.0.0.1 -1 22\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1  22\r\n", "PROXY TCP4 2001:db8::9 ::1 1 22\r\n",
            "PROXY TCP6 192.0.2.7 10.0.0.1 1 22\r\n", "PROXY TCP4 192.0.2 10.0.0.1 1 22\r\n",
            "PROXY TCP4 0192.0.2.7 10.0.0.1 1 22\r\n", "PROXY TCP6 fe80::1%lo ::1 1 22\r\n",
            "PROXY UDP4 192.0.2.7 10.0.0.1 1 22\r\n", "PROXY TCP4 localhost 10.0.0.1 1 22\r\n",
            "PROXY TCP4 192.0.2.7\n10.0.0.1 1 22\r\n", "PROXY \r\n", "PROXY UNKNOWNX\r\n",
            "PROXY UNKNOWN " + String(repeating: "x", count: 107) + "\r\n",
            "PROXY TCP4 192.0.2.7\u{0} 10.0.0.1 1 22\r\n", "PROXY TCP4 192.0.2.7 10.0.0.1 ٣ 22\r\n",
        ])
    func refusesLines(_ line: String) {
        #expect(throws: WireError.self) { _ = try read(Array(line.utf8)) }
    }

    @Test("a header of version 2 that is not quite right is refused")
    func refusesHeaders() {
        let headers: [[UInt8]] = [
            second(0x11, 0x11, four), second(0x31, 0x11, four), second(0x22, 0x11, four),
            second(0x21, 0x12, four), second(0x21, 0x31, [UInt8](repeating: 0, count: 216)),
            second(0x21, 0x11, Array(four.dropLast())), second(0x21, 0x21, four),
            second(0x21, 0x11, [], length: 4_097), second(0x20, 0x00, [], length: 65_535),
            Array(Self.signature.dropLast()) + [0x0B], [0x0D, 0x0A, 0x0D, 0x0D],
        ]
        for header in headers {
            #expect(throws: WireError.self) { _ = try read(header) }
        }
    }

    @Test("one that is cut off wants the rest, and no more than that")
    func wants() throws {
        for header in [
            Array("PROXY TCP4 192.0.2.7 10.0.0.1 1 22\r\n".utf8), second(0x21, 0x11, four),
            second(0x21, 0x21, six),
        ] {
            for count in header.indices { #expect(try read(Array(header[..<count])) == nil) }
            #expect(try read(header) != nil)
        }
    }

    @Test("damaged ones are refused or read, and crash nothing")
    func mutations() {
        var random = SeededGenerator(seed: 17)
        for good in [
            Array("PROXY TCP4 192.0.2.7 10.0.0.1 4660 22\r\n".utf8), second(0x21, 0x11, four),
            second(0x21, 0x21, six),
        ] {
            for _ in 0..<10_000 {
                let bytes = random.damaged(good)
                if let read = try? read(bytes), case .client(let address) = read.origin {
                    #expect(IPAddress(address.host) != nil)
                    #expect(read.count <= bytes.count)
                }
            }
        }
    }
}
