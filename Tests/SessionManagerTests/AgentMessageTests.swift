import Support
import TestSupport
import Testing

@testable import SessionManager

@Suite("Messages of a data channel")
struct AgentMessageTests {
    private static let example = AgentMessage(
        kind: .input, created: 0x0102_0304_0506_0708, sequence: 9, flags: 1,
        id: MessageID(high: 0x0011_2233_4455_4677, low: 0x8899_AABB_CCDD_EEFF), payloadType: 1,
        payload: Array("hello".utf8))

    @Test("have the layout of the agent's source")
    func layout() {
        let bytes = Self.example.encoded()
        #expect(bytes.count == 116 + 4 + 5)
        #expect(Array(bytes[0..<4]) == [0, 0, 0, 116])
        #expect(String(decoding: bytes[4..<36], as: UTF8.self) == "input_stream_data               ")
        #expect(Array(bytes[36..<40]) == [0, 0, 0, 1])
        #expect(Array(bytes[40..<48]) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Array(bytes[48..<56]) == [0, 0, 0, 0, 0, 0, 0, 9])
        #expect(Array(bytes[56..<64]) == [0, 0, 0, 0, 0, 0, 0, 1])
        // The low half of the identifier stands first.
        #expect(Array(bytes[64..<68]) == [0x88, 0x99, 0xAA, 0xBB])
        #expect(Array(bytes[72..<76]) == [0x00, 0x11, 0x22, 0x33])
        // sha256("hello")
        #expect(Array(bytes[80..<84]) == [0x2C, 0xF2, 0x4D, 0xBA])
        #expect(Array(bytes[112...]) == [0, 0, 0, 1, 0, 0, 0, 5] + Array("hello".utf8))
    }

    @Test("come back as they went, also with a longer header and zeros after the kind")
    func roundTrip() throws {
        var bytes = Self.example.encoded()
        #expect(try AgentMessage(decoding: bytes) == Self.example)
        for index in 21..<36 { bytes[index] = 0 }
        #expect(try AgentMessage(decoding: bytes) == Self.example)
        bytes[3] = 118
        bytes.insert(contentsOf: [1, 2], at: 116)
        #expect(try AgentMessage(decoding: bytes) == Self.example)
    }

    @Test("name themselves with hyphens")
    func identifier() {
        #expect(Self.example.id.text == "00112233-4455-4677-8899-aabbccddeeff")
    }

    @Test(
        "with a wrong length, digest, date or kind are refused",
        arguments: [(3, 115), (3, 255), (119, 6), (119, 4), (120, 0), (4, 7), (80, 0)] as [(Int, UInt8)])
    func refusal(_ index: Int, _ value: UInt8) {
        var bytes = Self.example.encoded()
        bytes[index] = value
        #expect(throws: ChannelError.self) { try AgentMessage(decoding: bytes) }
    }

    @Test("without a date are refused, except those that start and pause")
    func date() throws {
        var message = Self.example
        message.created = 0
        let undated = message.encoded()
        #expect(throws: ChannelError.self) { try AgentMessage(decoding: undated) }
        message.kind = .pausePublication
        #expect(try AgentMessage(decoding: message.encoded()) == message)
    }

    @Test("with damage anywhere are read or refused, and never end the process", arguments: 0..<2_000)
    func mutation(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        _ = try? AgentMessage(decoding: generator.damaged(Self.example.encoded()))
    }
}
