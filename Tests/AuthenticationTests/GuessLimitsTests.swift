import Authentication
import Configuration
import Support
import Testing

@Suite("Guessed secrets")
struct GuessLimitsTests {
    private let start = Timestamp(milliseconds: 1_790_000_000_000)
    private let home = "192.0.2.1"

    /// Guesses until it is refused, and gives how often that went.
    private func guess(_ limits: inout GuessLimits, from address: String, at time: Timestamp) -> Int {
        var count = 0
        while case .admitted = limits.admit(.code, of: "alice", from: address, at: time) { count += 1 }
        return count
    }

    @Test("three are free, then each waits twice as long, an hour at the most")
    func grows() {
        var limits = GuessLimits()
        var time = start
        var pauses: [Int64] = []
        for _ in 0..<14 {
            guard case .admitted(let pause) = limits.admit(.code, of: "alice", from: home, at: time) else {
                Issue.record("refused after its pause")
                return
            }
            pauses.append(pause?.components.seconds ?? 0)
            if let pause {
                let before = Timestamp(milliseconds: (time + pause).milliseconds - 1)
                #expect(
                    limits.admit(.code, of: "alice", from: home, at: before)
                        == .refused(for: .milliseconds(1)))
                time = time + pause
            }
        }
        #expect(pauses == [0, 0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600, 3_600])
    }

    @Test("side by side are no more than one after the other")
    func parallel() {
        var limits = GuessLimits()
        #expect(guess(&limits, from: home, at: start) == 3)
    }

    @Test("a right one forgets those before it")
    func success() {
        var limits = GuessLimits()
        for _ in 0..<10 {
            _ = limits.admit(.code, of: "alice", from: home, at: start)
            _ = limits.admit(.code, of: "alice", from: home, at: start)
            limits.noteSuccess(.code, of: "alice", from: home, at: start)
        }
        #expect(guess(&limits, from: home, at: start) == 3)
    }

    @Test("of one kind gain nothing by right ones of another")
    func factors() {
        var limits = GuessLimits()
        var wrong = 0
        // A right password and two wrong codes, again and again.
        for _ in 0..<10 {
            #expect(limits.admit(.pam, of: "alice", from: home, at: start) == .admitted(closing: nil))
            limits.noteSuccess(.pam, of: "alice", from: home, at: start)
            for _ in 0..<2 {
                if case .admitted = limits.admit(.code, of: "alice", from: home, at: start) { wrong += 1 }
            }
        }
        #expect(wrong == 3)
        #expect(limits.isClosed(.code, of: "alice", from: home, at: start))
        #expect(!limits.isClosed(.pam, of: "alice", from: home, at: start))
        #expect(!limits.isClosed(.code, of: "bob", from: home, at: start))
        #expect(!limits.isClosed(.code, of: "alice", from: home, at: start + .seconds(10)))
        limits.clear(user: "alice")
        #expect(!limits.isClosed(.code, of: "alice", from: home, at: start))
    }

    @Test("from everywhere close the door to new places, which asking alone does not count")
    func closedElsewhere() {
        var limits = GuessLimits()
        limits.noteSuccess(.code, of: "alice", from: home, at: start)
        for number in 0..<40 { _ = limits.admit(.code, of: "alice", from: "10.0.0.\(number)", at: start) }
        let before = limits.records(of: "alice", at: start)
        #expect(limits.isClosed(.code, of: "alice", from: "198.51.100.1", at: start))
        #expect(!limits.isClosed(.code, of: "alice", from: home, at: start))
        #expect(limits.records(of: "alice", at: start) == before)
    }

    @Test("elsewhere keep nobody out of where they come from, whoever guesses how often")
    func cannotBeTurnedAgainstAUser() {
        var limits = GuessLimits()
        _ = limits.admit(.code, of: "alice", from: home, at: start)
        limits.noteSuccess(.code, of: "alice", from: home, at: start)
        var time = start
        for number in 0..<5_000 {
            time = time + .seconds(1)
            _ = limits.admit(.code, of: "alice", from: "10.\(number / 250).\(number % 250).1", at: time)
        }
        // The door is closed to new places, and open to this one.
        #expect(guess(&limits, from: "198.51.100.1", at: time) == 0)
        #expect(guess(&limits, from: home, at: time) == 3)
        #expect(limits.admit(.code, of: "bob", from: "198.51.100.1", at: time) == .admitted(closing: nil))
    }

    @Test("from many networks are few, however many the networks")
    func distributed() {
        var limits = GuessLimits()
        var count = 0
        for hour in 0..<24 {
            for number in 0..<1_000 {
                let address = "10.\(hour).\(number / 250).\(number % 250)"
                if case .admitted = limits.admit(
                    .code, of: "alice", from: address, at: start + .seconds(hour * 3_600))
                {
                    count += 1
                }
            }
        }
        #expect(count < 50)
    }

    @Test("the user's own login does not set others free")
    func ownLogin() {
        var limits = GuessLimits()
        _ = limits.admit(.code, of: "alice", from: home, at: start)
        limits.noteSuccess(.code, of: "alice", from: home, at: start)
        for number in 0..<40 { _ = limits.admit(.code, of: "alice", from: "10.0.0.\(number)", at: start) }
        for _ in 0..<100 {
            _ = limits.admit(.code, of: "alice", from: home, at: start)
            limits.noteSuccess(.code, of: "alice", from: home, at: start)
        }
        #expect(guess(&limits, from: "198.51.100.1", at: start) == 0)
    }

    @Test("are forgotten a day after the last one, and a place after ninety")
    func forgets() {
        var limits = GuessLimits()
        _ = limits.admit(.code, of: "alice", from: home, at: start)
        #expect(limits.records(of: "alice", at: start + .seconds(86_399)).count == 2)
        #expect(limits.records(of: "alice", at: start + .seconds(86_400)).isEmpty)
        limits.noteSuccess(.code, of: "alice", from: home, at: start)
        let known = limits.records(of: "alice", at: start + .seconds(89 * 86_400))
        #expect(known.map(\.lastSuccess) == [start])
        #expect(limits.records(of: "alice", at: start + .seconds(91 * 86_400)).isEmpty)
    }

    @Test("an administrator forgets them, and keeps where the user comes from")
    func clears() {
        var limits = GuessLimits()
        limits.noteSuccess(.code, of: "alice", from: home, at: start)
        for number in 0..<40 { _ = limits.admit(.code, of: "alice", from: "10.0.0.\(number)", at: start) }
        #expect(guess(&limits, from: home, at: start) == 3)
        limits.clear(user: "alice")
        #expect(limits.records(of: "alice", at: start).map(\.network) == [home])
        #expect(guess(&limits, from: "198.51.100.1", at: start) == 3)
    }

    @Test("go on as they were from what was kept")
    func keeps() {
        var limits = GuessLimits()
        #expect(guess(&limits, from: home, at: start) == 3)
        let changes = limits.takeChanges()
        #expect(changes.kept.count == 2 && changes.dropped.isEmpty)
        #expect(limits.takeChanges().kept.isEmpty)
        var again = GuessLimits(changes.kept)
        #expect(guess(&again, from: home, at: start) == 0)
        again.clear(user: "alice")
        #expect(again.takeChanges().dropped.count == 2)
    }

    @Test("a clock that was set back keeps nobody out")
    func clock() {
        var limits = GuessLimits()
        #expect(guess(&limits, from: home, at: start + .seconds(86_400)) == 3)
        #expect(limits.admit(.code, of: "alice", from: home, at: start) != .refused(for: .seconds(86_410)))
    }

    @Test("many names and places do not fill the memory, and a closed door outlives them")
    func isBounded() {
        var limits = GuessLimits()
        #expect(guess(&limits, from: home, at: start) == 3)
        for number in 0..<12_000 { _ = limits.admit(.code, of: "u\(number)", from: "10.0.0.1", at: start) }
        #expect(guess(&limits, from: home, at: start) == 0)
        let long = String(repeating: "x", count: 100_000)
        _ = limits.admit(.code, of: long, from: home, at: start)
        #expect(limits.takeChanges().kept.allSatisfy { $0.user.utf8.count <= 400 })
    }

    @Test("one IPv6 network of 64 bits is one place")
    func joinsNetworks() {
        var limits = GuessLimits()
        for number in 0..<3 { _ = limits.admit(.code, of: "alice", from: "2001:db8::\(number)", at: start) }
        #expect(guess(&limits, from: "2001:db8::ffff", at: start) == 0)
    }
}
