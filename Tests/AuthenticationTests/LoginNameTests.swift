import Authentication
import Testing

@Suite("Login names")
struct LoginNameTests {
    @Test(
        "name a user and perhaps a target",
        arguments: [
            ("alice", "alice", nil), ("alice+gpu1", "alice", "gpu1"), ("alice@gpu1", "alice", "gpu1"),
            ("_a-1_+node.lab.example", "_a-1_", "node.lab.example"), ("a+gate", "a", "gate"),
            ("a+1", "a", "1"),
        ] as [(String, String, String?)])
    func reads(_ text: String, user: String, target: String?) throws {
        let name = try #require(LoginName(text))
        #expect(name.user == user)
        #expect(name.target == target)
    }

    @Test(
        "hold nothing but plain characters",
        arguments: [
            "", "+", "@", "alice+", "alice@", "+gpu1", "alice+gpu1+x", "alice+gpu1@x", "alice@gpu1@x",
            "Alice", "1alice", "-alice", "alice ", "al ice", "alice+-x", "alice+.x", "alice+../x",
            "alice+GPU", "alice\u{0}", "alice+a\u{0}", "alice\n", "älice", "alice+é", "alice+a/b", "a\u{301}",
        ])
    func refuses(_ text: String) {
        #expect(LoginName(text) == nil)
    }

    @Test("are bounded")
    func bounded() {
        let user = String(repeating: "a", count: 31)
        let target = String(repeating: "b", count: 64)
        #expect(LoginName(user + "+" + target) != nil)
        #expect(LoginName(user + "a") == nil)
        #expect(LoginName("a+" + target + "b") == nil)
        #expect(LoginName(String(repeating: "a", count: 1_000_000)) == nil)
    }

    @Test("never trap, whatever the bytes")
    func hostileBytes() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0..<100, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = LoginName(String(decoding: bytes, as: UTF8.self))
        }
    }
}

@Suite("Attempts of one connection")
struct AttemptCounterTests {
    @Test("end it when the limit is reached", arguments: [1, 2, 6])
    func limit(_ limit: Int) {
        var counter = AttemptCounter(limit: limit)
        let verdicts = (0..<limit).map { _ in counter.countFailure() }
        #expect(verdicts == Array(repeating: false, count: limit - 1) + [true])
        #expect(counter.isExhausted)
        #expect(!AttemptCounter(limit: limit).isExhausted)
    }
}
