import Shipping
import Testing

@Suite("When a host connects again")
struct ReconnectPausesTests {
    private var pauses = ReconnectPauses()

    @Test("pauses double up to a quarter of a minute, and begin anew after a connection that held")
    mutating func longest() {
        let limits = (0..<7).map { _ in pauses.next(after: .seconds(60), random: 1) }
        #expect(limits == [1, 2, 4, 8, 15, 15, 15].map { .seconds($0) })
        #expect(pauses.next(after: .seconds(61), random: 1) == .seconds(1))
        #expect(pauses.next(after: .zero, random: 1) == .seconds(2))
    }

    @Test("where each attempt costs something pauses may become longer")
    func longer() {
        var pauses = ReconnectPauses(longest: .seconds(60))
        let limits = (0..<8).map { _ in pauses.next(after: .zero, random: 1) }
        #expect(limits == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    }

    @Test("no pause is shorter than half of what it may be", arguments: [0.0, 0.25, 0.999])
    mutating func apart(_ random: Double) {
        for limit in [1, 2, 4, 8, 15, 15] {
            let pause = pauses.next(after: .zero, random: random)
            #expect(pause >= .seconds(limit) / 2 && pause < .seconds(limit))
        }
    }

    @Test("a thousand hosts do not knock more often at a time than a gateway lets in")
    func crowd() {
        // What comes in each tenth of a second, of hosts that lost the gateway at the same moment and find it away for long.
        var generator = SystemRandomNumberGenerator()
        var knocks: [Int: Int] = [:]
        for _ in 0..<1_000 {
            var pauses = ReconnectPauses()
            var time = Duration.zero
            while time < .seconds(120) {
                time += pauses.next(after: .zero, random: .random(in: 0..<1, using: &generator))
                knocks[Int(time / .milliseconds(100)), default: 0] += 1
            }
        }
        // By then they are spread: about nine each.
        let late = knocks.filter { $0.key > 600 && $0.key < 1_200 }.values
        #expect((late.max() ?? 0) < 40)
    }
}
