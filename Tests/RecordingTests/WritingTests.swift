import Control
import Recording
import Support
import TestSupport
import Testing

@Suite("What a recording holds")
struct WritingTests {
    /// As a JSON string says it, undone.
    private func text(_ pieces: [[UInt8]]) throws -> String {
        var writer = CastWriter(start: 0)
        var lines: [UInt8] = []
        for piece in pieces { writer.append(.data(.output, piece), at: 0, to: &lines) }
        writer.append(.finished, at: 0, to: &lines)
        return try lines.split(separator: 0x0A).map {
            String(decoding: try CastEvent(line: $0).data, as: UTF8.self)
        }.joined()
    }

    static let texts = ["plain", "grüß dich", "日本語 🎉", "a\"b\\c\n\r\t\u{1}\u{7F}\u{9B}31m", "\u{FFFD}", ""]

    @Test("a character that is split over two pieces stays whole", arguments: texts)
    func split(_ sample: String) throws {
        let bytes = Array(sample.utf8)
        for cut in 0...bytes.count {
            #expect(try text([Array(bytes[..<cut]), Array(bytes[cut...])]) == sample)
        }
        #expect(try text(bytes.map { [$0] }) == sample)
    }

    @Test("bytes that are no text become U+FFFD as the Unicode standard has it, however they are cut")
    func repair() throws {
        var generator = SeededGenerator(seed: 4)
        let interesting: [UInt8] = [
            0x41, 0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xED, 0x9F, 0xF0, 0x90, 0xF4, 0x8F, 0xFF, 0xC0,
        ]
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? interesting.randomElement(using: &generator) ?? 0
                    : UInt8.random(in: 0...255, using: &generator)
            }
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            #expect(
                try text([Array(bytes[..<cut]), Array(bytes[cut...])])
                    == String(decoding: bytes, as: UTF8.self),
                "\(bytes) cut at \(cut)")
        }
    }

    @Test("every kind of event has its line, and time never runs back")
    func lines() {
        var writer = CastWriter(start: 1_000_000)
        var out: [UInt8] = []
        for (message, time) in [
            (RecordingMessage.data(.output, Array("o".utf8)), 2_500_000),
            (.data(.error, Array("e".utf8)), 2_500_001), (.data(.input, Array("i".utf8)), 2_000_000),
            (.resize(columns: 132, rows: 50), 3_000_000), (.lost(7), 4_000_000),
            (.exit("SIGTERM"), 5_000_000),
        ] as [(RecordingMessage, UInt64)] { writer.append(message, at: time, to: &out) }
        #expect(
            String(decoding: out, as: UTF8.self) == """
                [1.500000, "o", "o"]
                [1.500001, "e", "e"]
                [1.500001, "i", "i"]
                [2.000000, "r", "132x50"]
                [3.000000, "m", "7 bytes of output are missing here"]
                [4.000000, "x", "SIGTERM"]

                """)
        #expect((writer.outputBytes, writer.lostBytes, writer.exit) == (2, 7, "SIGTERM"))
        #expect(!writer.isFinished)
    }

    @Test("the first line says what is known and nothing else")
    func header() {
        var header = CastHeader(
            columns: 80, rows: 24, start: 1_700_000_000_123_456, command: nil, terminal: "xterm",
            origin: [("session", "S"), ("channel", "1")])
        #expect(
            String(decoding: header.line, as: UTF8.self)
                == #"{"version": 2, "width": 80, "height": 24, "timestamp": 1700000000, "env": {"TERM": "xterm"}, "gatehouse": {"started": 1700000000123456, "session": "S", "channel": "1"}}"#
        )
        header.terminal = nil
        header.command = "echo \"\u{1B}\""
        let line = String(decoding: header.line, as: UTF8.self)
        #expect(line.contains(#""command": "echo \"\u001b\"""#) && !line.contains("env"))
    }

    @Test("names are of a session and a number, and of nothing else")
    func names() throws {
        let session = SessionID()
        let name = RecordingName(session: session, channel: 12)
        #expect(RecordingName(name.description) == name)
        for text in [
            "", "x", "../\(name)", "\(session).cast.zst", "\(session).0.cast.zst", "\(session).01.cast.zst",
            "\(session).1.cast", "\(session).-1.cast.zst", "\(session).99999.cast.zst", "a.1.cast.zst",
        ] { #expect(RecordingName(text) == nil) }
    }

    @Test("messages to the recorder are read back, in pieces of any size", arguments: [1, 7, 100_000])
    func messages(_ size: Int) throws {
        let messages: [RecordingMessage] = [
            .start(header: [1, 2], limit: .max), .data(.output, []), .data(.error, [1]),
            .data(.input, [2, 3]),
            .data(.output, [UInt8](repeating: 7, count: RecordingMessage.pieceLimit)),
            .resize(columns: 1, rows: .max), .lost(9), .exit("0"), .finished,
        ]
        var bytes: [UInt8] = []
        for (time, message) in messages.enumerated() { message.append(to: &bytes, at: UInt64(time)) }
        var reader = RecordingMessageReader()
        var found: [RecordingMessage] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            reader.append(bytes[start..<min(start + size, bytes.count)])
            while let (time, message) = try reader.next() {
                #expect(time == UInt64(found.count))
                found.append(message)
            }
        }
        #expect(found == messages && !reader.isWithinMessage)
    }

    @Test("a damaged stream to the recorder never does harm")
    func damagedMessages() {
        var bytes: [UInt8] = []
        for message in [
            RecordingMessage.start(header: [1, 2], limit: 5), .data(.output, [1, 2, 3]),
            .resize(columns: 1, rows: 2),
            .lost(9), .exit("0"), .finished,
        ] { message.append(to: &bytes, at: 1) }
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<5_000 {
            var reader = RecordingMessageReader()
            reader.append(generator.damaged(bytes)[...])
            while let next = try? reader.next() { _ = next }
        }
        var tooLong = RecordingMessageReader()
        tooLong.append([1, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(throws: WireError.self) { try tooLong.next() }
    }
}
