import AWS
import Support
import TestSupport
import Testing

@testable import SessionManager

@Suite("A WebSocket")
struct WebSocketTests {
    private static func events(_ bytes: [UInt8], inPiecesOf size: Int) throws -> [WebSocketReader.Event] {
        var reader = WebSocketReader()
        var events: [WebSocketReader.Event] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            reader.append(bytes[start..<min(start + size, bytes.count)])
            while let event = try reader.next() { events.append(event) }
        }
        return events
    }

    @Test(
        "masks what it sends, with the length in 1, 3 or 9 bytes", arguments: [5, 125, 126, 65_535, 65_536])
    func frame(_ count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let bytes = WebSocketFrame.encode(.binary, payload, key: 0x0102_0304)
        #expect(bytes[0] == 0x82 && bytes[1] & 0x80 != 0)
        let header = count < 126 ? 2 : count < 65_536 ? 4 : 10
        #expect(Array(bytes[header..<(header + 4)]) == [1, 2, 3, 4])
        #expect(bytes[(header + 4)...].enumerated().map { $1 ^ UInt8($0 % 4 + 1) } == payload)
        #expect(bytes.count == header + 4 + count)
    }

    @Test(
        "reads messages, also in parts with a ping between them, however they arrive",
        arguments: [1, 2, 3, 1_000])
    func reading(_ size: Int) throws {
        let long = [UInt8](repeating: 9, count: 300)
        let bytes: [UInt8] =
            [0x81, 2, 104, 105] + [0x02, 1, 1] + [0x89, 1, 7] + [0x00, 1, 2] + [0x80, 1, 3]
            + [0x82, 126, 1, 44] + long + [0x8A, 0] + [0x88, 5, 3, 240] + Array("bye".utf8)
        #expect(
            try Self.events(bytes, inPiecesOf: size) == [
                .text([104, 105]), .ping([7]), .binary([1, 2, 3]), .binary(long), .pong,
                .close(code: 1_008, reason: "bye"),
            ])
    }

    @Test(
        "refuses what is none",
        arguments: [
            [0x82, 0x81, 0, 0, 0, 0, 1], [0xC2, 0], [0x83, 0], [0x80, 0], [0x09, 0], [0x89, 126, 0, 200],
            [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255], [0x82, 127, 0, 0, 0, 0, 0, 16, 0, 1],
            [0x02, 0, 0x82, 0],
        ] as [[UInt8]])
    func refusal(_ bytes: [UInt8]) {
        #expect(throws: ChannelError.self) { try Self.events(bytes, inPiecesOf: bytes.count) }
    }

    @Test("bounds a message in parts")
    func bound() {
        let part: [UInt8] = [0, 127, 0, 0, 0, 0, 0, 8, 0, 0] + [UInt8](repeating: 0, count: 1 << 19)
        let bytes = [2, 0] + part + part + part
        #expect(throws: ChannelError.self) { try Self.events(bytes, inPiecesOf: bytes.count) }
    }

    @Test("survives any bytes", arguments: 0..<500)
    func mutation(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes: [UInt8] = [0x81, 2, 104, 105, 0x02, 1, 1, 0x89, 1, 7, 0x80, 1, 3, 0x88, 2, 3, 240]
        _ = try? Self.events(generator.damaged(bytes + bytes), inPiecesOf: 3)
    }

    /// The example of RFC 6455 section 1.3.
    private static let handshake = WebSocketHandshake(nonce: Array("the sample nonce".utf8))

    @Test("upgrades as in the example of RFC 6455")
    func upgrade() throws {
        let request = String(
            decoding: Self.handshake.request(authority: "h:1", target: "/a?b"), as: UTF8.self)
        #expect(request.hasPrefix("GET /a?b HTTP/1.1\r\nHost: h:1\r\n"))
        #expect(request.contains("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
        let answer = Array(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nsec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n\r\n"
                .utf8)
        #expect(try Self.handshake.check(answer + [0x81, 0]) == answer.count)
        #expect(try Self.handshake.check(Array(answer.dropLast())) == nil)
    }

    @Test(
        "is refused by any other answer",
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\n\r\n", ChannelError.Code.rejected),
            ("HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", .malformedMessage),
            ("HTTP/1.1 101 Yes\r\n\r\n", .malformedMessage), ("SSH-2.0-x\r\n\r\n", .malformedMessage),
        ])
    func refusal(_ answer: String, _ code: ChannelError.Code) {
        do throws(ChannelError) {
            _ = try Self.handshake.check(Array(answer.utf8))
            Issue.record("it was taken")
        } catch {
            #expect(error.code == code)
        }
    }

    @Test("does not wait for the end of an answer that has none")
    func endless() {
        let answer = [UInt8](repeating: UInt8(ascii: "x"), count: WebSocketHandshake.answerByteLimit)
        #expect(throws: ChannelError.self) { try Self.handshake.check(answer) }
    }

    @Test("goes where the service says, without TLS only on this machine")
    func address() throws {
        let url = try StreamURL(
            "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/s-1?role=publish_subscribe")
        #expect(url.base.description == "https://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/s-1")
        #expect(url.target == "/v1/data-channel/s-1?role=publish_subscribe")
        #expect(try StreamURL("ws://127.0.0.1:5201/x").target == "/x")
        for text in ["ws://10.0.0.1/x", "https://h/x", "wss://h/a b", "wss://", "", "wss://h/x\r\nHost: y"] {
            #expect(throws: ChannelError.self) { try StreamURL(text) }
        }
    }
}
