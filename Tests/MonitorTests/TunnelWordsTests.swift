import Monitor
import Testing

@Suite("What a tunnel says")
struct TunnelWordsTests {
    @Test(
        "first its session, and at last why it failed",
        arguments: [
            ("", nil, ""),
            ("gatehouse-ssm: session alice-0123@x.y_z\n", "alice-0123@x.y_z", ""),
            (
                "gatehouse-ssm: session s-1\ngatehouse-ssm: i-1: it\u{1B} hangs\n", "s-1",
                "i-1: it\\u{1B} hangs"
            ),
            ("gatehouse-ssm: i-1: no\ngatehouse-ssm: session s-1\n", "s-1", "i-1: no"),
            ("warning\nlast words", nil, "last words"),
            ("session s-1\nsession s-2\n", "s-1", "session s-2"),
            ("session \nsession a/b\nsession \u{E9}\n", nil, "session \u{E9}"),
        ] as [(String, String?, String)])
    func words(_ text: String, _ session: String?, _ complaint: String) {
        let words = TunnelWords(Array(text.utf8))
        #expect(words.session == session)
        #expect(words.complaint == complaint)
    }

    @Test("whatever it says, the session is a name of a few harmless characters")
    func damaged() {
        let good = Array("gatehouse-ssm: session s-0123456789abcdef\ngatehouse-ssm: i-1: no\n".utf8)
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6) {
                bytes[.random(in: bytes.indices)] = .random(in: 0...255)
            }
            let words = TunnelWords(Array(bytes.prefix(.random(in: 0...bytes.count))))
            let session = words.session ?? "s"
            #expect(session.utf8.count <= 128)
            #expect(session.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F })
        }
    }
}
