import Support
import Testing

@Suite("Paths as text")
struct PathTextTests {
    @Test(
        "what could move a cursor or forge a line is escaped, everything else stands for itself",
        arguments: [
            ("plain", "plain"), ("zoë é 漢字", "zoë é 漢字"), ("a b", "a b"), ("a\nb", "a\\nb"),
            ("a\tb", "a\\tb"), ("back\\slash", "back\\\\slash"), ("\u{1B}[31mred", "\\x1b[31mred"),
            ("right\u{202E}left", "right\\xe2\\x80\\xaeleft"), ("\r", "\\x0d"), ("", ""),
        ])
    func shown(_ name: String, _ text: String) {
        #expect(PathText.shown(Array(name.utf8)) == text)
    }

    @Test("bytes that are no UTF-8 are shown one by one")
    func invalid() {
        #expect(PathText.shown([0x61, 0xFF, 0xC3, 0x28, 0xED, 0xA0, 0x80]) == "a\\xff\\xc3(\\xed\\xa0\\x80")
        #expect(PathText.shown([0xC3]) == "\\xc3")
    }

    @Test("any bytes come back from their text, which has one line")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                Bool.random()
                    ? UInt8.random(in: 1...255, using: &generator)
                    : [0x5C, 0x0A, 0x78, 0xC3].randomElement() ?? 0x61
            }
            let text = PathText.shown(bytes)
            #expect(PathText.bytes(of: text) == bytes)
            #expect(!text.contains { $0.isNewline })
        }
    }

    @Test(
        "an escape that does not exist is no path", arguments: ["\\", "\\q", "\\x", "\\x1", "\\xzz", "\\x+1"])
    func badEscape(_ text: String) {
        #expect(PathText.bytes(of: text) == nil)
    }
}
