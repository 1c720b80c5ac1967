import Accounts
import Fleet
import Support
import Testing

@Suite("What hosts hand back")
struct CarrierAnswerTests {
    /// Status 3, output "out", error output "err", packed by Python's zlib.
    private static let good = """
        gatehouse-answer 18 10 00204232bbb8e6c4f8e6ea349acc492fef7963f46e65b90c5c8ac8e0d217b4e8
        eNozVjDmyi8tSS0qAgAOPgMy
        """

    private static let result = ExecutionResult(
        status: 3, output: Array("out".utf8), errorOutput: Array("err".utf8))

    @Test("an answer is read whole, and in pieces that are cut anywhere")
    func pieces() {
        var whole = CarrierAnswer()
        #expect(whole.take(Self.good) == .complete(Self.result))
        #expect(
            whole.take("gatehouse-answer 1 1 \(String(repeating: "0", count: 64))\n")
                != .complete(Self.result))
        let (head, tail) = (Self.good.split(separator: "\n")[0], Self.good.split(separator: "\n")[1])
        for count in 0..<tail.count {
            var answer = CarrierAnswer()
            let start = count / 4 * 4
            #expect(
                answer.take("\(head)\n\(tail.prefix(count))\n---Output truncated---")
                    == .incomplete(from: start / 4 * 3))
            #expect(answer.take("\(head)\n\(tail.dropFirst(start))\n") == .complete(Self.result))
        }
    }

    @Test("damaged bytes never crash, and never pass for an answer")
    func mutations() {
        var generator = SystemRandomNumberGenerator()
        for _ in 1...20_000 {
            var bytes = Array(Self.good.utf8)
            for _ in 0...Int.random(in: 0...4, using: &generator) {
                switch Int.random(in: 0...2, using: &generator) {
                case 0 where !bytes.isEmpty: bytes.remove(at: .random(in: bytes.indices, using: &generator))
                case 1:
                    bytes.insert(
                        .random(in: 0...255, using: &generator),
                        at: .random(in: 0...bytes.count, using: &generator))
                default:
                    if !bytes.isEmpty {
                        bytes[.random(in: bytes.indices, using: &generator)] = .random(
                            in: 0...255, using: &generator)
                    }
                }
            }
            var answer = CarrierAnswer()
            let progress = answer.take(String(decoding: bytes, as: UTF8.self))
            if case .complete(let result) = progress, result != Self.result {
                Issue.record("passed: \(bytes)")
            }
        }
    }

    @Test(
        "sizes that are lies are refused",
        arguments: [
            "gatehouse-answer 99999999999999999999 1 x", "gatehouse-answer -1 1 x", "gatehouse-answer 1 1",
            "gatehouse-answer 1 16777217 \(String(repeating: "0", count: 64))", "", "\n", "no",
        ])
    func lies(_ text: String) {
        var answer = CarrierAnswer()
        guard case .damaged = answer.take(text) else {
            Issue.record("taken")
            return
        }
    }

    @Test("trouble is one printable sentence")
    func trouble() {
        var answer = CarrierAnswer()
        #expect(answer.take("gatehouse-trouble no \u{1B}[2J room\nmore") == .trouble("no \\u{1B}[2J room"))
    }
}
