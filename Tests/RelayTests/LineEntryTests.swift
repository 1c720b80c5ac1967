import Relay
import Testing

@Suite("A line that is typed")
struct LineEntryTests {
    @Test(
        "is what stands there in the end",
        arguments: [
            ("123456\r", "123456"), ("12x\u{7F}3\n", "123"), ("abc\u{15}d\r", "d"), ("é\u{8}e\r", "e"),
            ("\u{7F}\u{7F}a\r", "a"), ("\u{1}\u{2}a\u{4}\r", "a"), ("\r", ""),
        ])
    func entered(_ keys: String, _ line: String) {
        var entry = LineEntry()
        let (taken, _) = entry.take(Array(keys.utf8))
        #expect(taken == keys.utf8.count)
        #expect(entry.state == .entered(Array(line.utf8)))
    }

    @Test("is given up by Control-C, and by Control-D at its beginning", arguments: ["ab\u{3}", "\u{4}"])
    func abandoned(_ keys: String) {
        var entry = LineEntry()
        _ = entry.take(Array(keys.utf8))
        #expect(entry.state == .abandoned)
    }

    @Test("ends where it ends, shows what is typed, and never grows beyond its limit")
    func bounds() {
        var entry = LineEntry()
        let (taken, echo) = entry.take(Array("ab\rcd".utf8))
        #expect(taken == 3)
        #expect(echo == Array("ab\r\n".utf8))
        var long = LineEntry()
        let (_, shown) = long.take([UInt8](repeating: 65, count: 100_000))
        #expect(shown.count == LineEntry.limit)
        _ = long.take([13])
        #expect(long.state == .entered([UInt8](repeating: 65, count: LineEntry.limit)))
    }
}
