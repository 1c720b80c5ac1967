import Monitor
import Support
import Testing

@Suite("Deliveries")
struct DeliveryTests {
    @Test("a host may deliver its reserve at once, then as fast as the rate")
    func allowance() {
        let start = MonotonicTime.now
        var allowance = DeliveryAllowance(at: start)
        #expect(allowance.pause(after: Int(DeliveryAllowance.reserve), at: start) == .zero)
        #expect(allowance.pause(after: Int(DeliveryAllowance.rate), at: start) == .seconds(1))
        #expect(allowance.pause(after: 1, at: start + .seconds(2)) == .zero)
        #expect(allowance.pause(after: Int(DeliveryAllowance.reserve), at: start + .seconds(600)) == .zero)
    }

    private static let start = Timestamp(milliseconds: 1_700_000_000_000)
    private func after(_ seconds: Int64) -> Timestamp { Self.start + .seconds(seconds) }

    @Test("a silence begins after 30 s, is told again each minute, and ends with the next word")
    func silence() {
        var tally = SilenceTally(start: Self.start)
        #expect(tally.next(of: "h", lastHeard: after(0), at: after(30)) == .nothing)
        #expect(
            tally.next(of: "h", lastHeard: after(0), at: after(31)) == .began(since: after(0), now: after(31))
        )
        #expect(tally.next(of: "h", lastHeard: after(0), at: after(36)) == .nothing)
        #expect(
            tally.next(of: "h", lastHeard: after(0), at: after(91))
                == .goesOn(since: after(0), now: after(91)))
        #expect(
            tally.next(of: "h", lastHeard: after(95), at: after(96))
                == .ended(since: after(0), now: after(95)))
        #expect(tally.next(of: "h", lastHeard: after(95), at: after(100)) == .nothing)
        #expect(tally.next(of: "other", lastHeard: after(99), at: after(100)) == .nothing)
    }

    @Test("what was before the daemon's own start is no silence until 30 s after it")
    func daemonAway() {
        var tally = SilenceTally(start: after(100))
        #expect(tally.next(of: "h", lastHeard: after(0), at: after(125)) == .nothing)
        #expect(
            tally.next(of: "h", lastHeard: after(0), at: after(131))
                == .began(since: after(0), now: after(131)))
    }
}
