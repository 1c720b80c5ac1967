import Authentication
import Support
import Testing

@Suite("Address penalties")
struct AddressPenaltiesTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func blocked(after failures: Int) -> (AddressPenalties, Duration?) {
        var penalties = AddressPenalties(limit: 3, block: .seconds(60))
        var last: Duration?
        for _ in 0..<failures { last = penalties.noteFailure(from: "192.0.2.1", at: start) }
        return (penalties, last)
    }

    @Test("an address is blocked with the failure that reaches the limit, not before")
    func blocksAtTheLimit() {
        #expect(!blocked(after: 2).0.isBlocked("192.0.2.1", at: start))
        let (penalties, length) = blocked(after: 3)
        #expect(length == .seconds(60))
        #expect(penalties.isBlocked("192.0.2.1", at: start + .seconds(59)))
        #expect(!penalties.isBlocked("192.0.2.1", at: start + .seconds(60)))
    }

    @Test("another address is not concerned")
    func leavesOthersAlone() {
        #expect(!blocked(after: 3).0.isBlocked("192.0.2.2", at: start))
    }

    @Test("a login forgets the failures before it")
    func forgetsAfterSuccess() {
        var (penalties, _) = blocked(after: 2)
        penalties.noteSuccess(from: "192.0.2.1")
        #expect(penalties.noteFailure(from: "192.0.2.1", at: start) == nil)
    }

    @Test("each further block is twice as long, an hour at the most")
    func grows() {
        var (penalties, _) = blocked(after: 3)
        var time = start
        var lengths: [Duration] = []
        for _ in 0..<8 {
            time = time + (lengths.last ?? .seconds(60))
            for _ in 0..<3 {
                if let length = penalties.noteFailure(from: "192.0.2.1", at: time) { lengths.append(length) }
            }
        }
        #expect(lengths == [120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600].map { .seconds($0) })
    }

    @Test("failures are forgotten ten minutes after the last one")
    func forgetsWithTime() {
        var (penalties, _) = blocked(after: 2)
        #expect(penalties.noteFailure(from: "192.0.2.1", at: start + .seconds(601)) == nil)
        #expect(penalties.noteFailure(from: "192.0.2.1", at: start + .seconds(602)) == nil)
        #expect(penalties.noteFailure(from: "192.0.2.1", at: start + .seconds(603)) != nil)
    }

    @Test("one IPv6 network of 64 bits counts as one address")
    func joinsNetworks() {
        var penalties = AddressPenalties(limit: 2, block: .seconds(60))
        _ = penalties.noteFailure(from: "2001:db8:1:2:3::4", at: start)
        _ = penalties.noteFailure(from: "2001:db8:1:2::9", at: start)
        #expect(penalties.isBlocked("2001:db8:1:2:ffff::1", at: start))
        #expect(!penalties.isBlocked("2001:db8:1:3::1", at: start))
    }

    @Test("a limit of 0 blocks nobody")
    func canBeOff() {
        var penalties = AddressPenalties(limit: 0, block: .seconds(60))
        for _ in 0..<100 { #expect(penalties.noteFailure(from: "192.0.2.1", at: start) == nil) }
    }

    @Test("many addresses do not fill the memory, and a block outlives them")
    func isBounded() {
        var (penalties, _) = blocked(after: 3)
        for number in 0..<25_000 {
            _ = penalties.noteFailure(from: "10.\(number / 256).\(number % 256).1", at: start)
        }
        #expect(penalties.isBlocked("192.0.2.1", at: start + .seconds(1)))
    }

    @Test("any text is taken for an address", arguments: ["", ":", "::", "%", ":::::::::::::", "é"])
    func survivesOddText(_ address: String) {
        var penalties = AddressPenalties(limit: 1, block: .seconds(60))
        #expect(penalties.noteFailure(from: address, at: start) == .seconds(60))
        #expect(penalties.isBlocked(address, at: start))
    }
}
