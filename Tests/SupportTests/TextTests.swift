import Support
import Testing

@Suite("Texts")
struct TextTests {
    @Test(
        "a value in a log line is quoted where a reader could be misled",
        arguments: [
            ("alice", "alice"), ("10.0.0.1:22", "10.0.0.1:22"), ("", "\"\""), ("a b", "\"a b\""),
            ("a\nb", "\"a\\nb\""), ("say \"x\"", "\"say \\\"x\\\"\""), ("back\\slash", "\"back\\\\slash\""),
            ("\u{1B}[2J", "\"\\u{1B}[2J\""), ("é", "\"\\u{00E9}\""), ("\u{7F}", "\"\\u{7F}\""),
        ])
    func logEscaping(_ value: String, _ escaped: String) {
        #expect(Log.escaped(value) == escaped)
    }

    @Test("levels are ordered by how much they matter")
    func levels() {
        #expect(Log.Level.critical < .error)
        #expect(Log.Level.info < .debug)
        #expect(Log.Level.allCases.map(\.rawValue) == [2, 3, 4, 5, 6, 7])
    }

    @Test(
        "control and direction characters become visible, letters stay",
        arguments: [
            ("plain é 漢", "plain é 漢"), ("a\u{1B}[0m", "a\\u{1B}[0m"), ("a\r\nb", "a\\r\\nb"),
            ("\u{202E}abc", "\\u{202E}abc"), ("\u{2028}", "\\u{2028}"), ("\u{9B}2J", "\\u{009B}2J"),
        ])
    func printable(_ text: String, _ shown: String) {
        #expect(text.printable == shown)
    }

    @Test(
        "base 64 has one text for some bytes",
        arguments: [
            ([], ""), ([0x66], "Zg=="), ([0x66, 0x6F], "Zm8="), ([0x66, 0x6F, 0x6F], "Zm9v"),
            ([0x66, 0x6F, 0x6F, 0x62], "Zm9vYg=="), ([0xFB, 0xEF, 0xFF], "++//"),
        ] as [([UInt8], String)])
    func base64(_ bytes: [UInt8], _ text: String) {
        #expect(Base64.encode(bytes) == text)
        #expect(Base64.decode(text) == bytes)
        #expect(Base64.encode(bytes, padded: false) == text.replacing("=", with: ""))
    }

    @Test(
        "what is not strict base 64 is refused",
        arguments: [
            "Zg", "Zg=", "Z===", "====", "=", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Zm9-", "Zm9_", "Z=9v",
            "Zg==Zg==", "é==",
        ])
    func base64Refused(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("random bytes survive base 64")
    func base64Random() {
        var generator = SystemRandomNumberGenerator()
        for length in 0..<300 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
