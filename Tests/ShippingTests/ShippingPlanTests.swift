import Control
import Shipping
import Support
import Testing

@Suite("What is shipped next")
struct ShippingPlanTests {
    private let start = MonotonicTime(nanoseconds: 0)
    private var plan: ShippingPlan

    init() throws {
        plan = ShippingPlan(at: start)
        _ = try plan.take(.welcome, at: start)
        // The first heartbeat, out of the way.
        _ = plan.next({ [] }, at: start)
    }

    private static func entry(_ stream: String, _ number: UInt64) throws -> Spool.Entry {
        let digits = String(number, radix: 16)
        let name = "\(stream)-\(String(repeating: "0", count: 16 - digits.count))\(digits).segment"
        return try #require(Spool.Entry(name))
    }

    @Test("nothing is sent before the gateway's welcome, and one that does not come ends the connection")
    func welcome() throws {
        var plan = ShippingPlan(at: start)
        let entry = try Self.entry("events", 1)
        #expect(plan.next({ [entry] }, at: start) == [])
        #expect(!plan.isStalled(at: start + .seconds(60)))
        #expect(plan.isStalled(at: start + .seconds(61)))
        #expect(try plan.take(.welcome, at: start) == [])
        #expect(plan.next({ [entry] }, at: start) == [.sendStatus, .send(entry, acceptsHole: false)])
    }

    @Test("one segment at a time, streams in turns, and what is taken is removed")
    mutating func turns() throws {
        let entries = [
            try Self.entry("events", 1), try Self.entry("events", 2), try Self.entry("scans", 9),
        ]
        #expect(plan.next({ entries }, at: start) == [.send(entries[0], acceptsHole: false)])
        #expect(plan.next({ entries }, at: start) == [])
        #expect(try plan.take(.taken(name: entries[0].name), at: start) == [.remove(entries[0])])
        let rest = Array(entries.dropFirst())
        #expect(plan.next({ rest }, at: start) == [.send(rest[1], acceptsHole: false)])
        #expect(try plan.take(.taken(name: rest[1].name), at: start) == [.remove(rest[1])])
        #expect(plan.next({ [rest[0]] }, at: start) == [.send(rest[0], acceptsHole: false)])
    }

    @Test("a segment whose forerunner is lost goes again with the word for it")
    mutating func hole() throws {
        let entry = try Self.entry("events", 7)
        _ = plan.next({ [entry] }, at: start)
        let refusal = DeliveryMessage.refused(name: entry.name, .outOfOrder, reason: "")
        #expect(try plan.take(refusal, at: start) == [])
        #expect(plan.next({ [entry] }, at: start) == [.send(entry, acceptsHole: true)])
        // A gateway that goes on saying so is asked again later.
        #expect(try plan.take(refusal, at: start) == [])
        #expect(plan.next({ [entry] }, at: start) == [])
        #expect(plan.next({ [entry] }, at: start + .seconds(1)) == [.send(entry, acceptsHole: true)])
    }

    @Test("a damaged segment is put aside, and one that has no room now is sent later and later")
    mutating func refusals() throws {
        let entry = try Self.entry("events", 7)
        _ = plan.next({ [entry] }, at: start)
        #expect(
            try plan.take(.refused(name: entry.name, .damaged, reason: ""), at: start) == [.putAside(entry)])
        var now = start
        for pause in [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000] as [Int64] {
            #expect(plan.next({ [entry] }, at: now).contains(.send(entry, acceptsHole: false)))
            _ = try plan.take(.refused(name: entry.name, .later, reason: ""), at: now)
            now = now + .milliseconds(pause - 1)
            #expect(!plan.next({ [entry] }, at: now).contains(.send(entry, acceptsHole: false)))
            now = now + .milliseconds(1)
        }
    }

    @Test("heartbeats come every ten seconds, and an answer that does not come ends the connection")
    mutating func heartbeats() throws {
        #expect(plan.next({ [] }, at: start + .milliseconds(9_999)) == [])
        #expect(plan.next({ [] }, at: start + .seconds(10)) == [.sendStatus])
        #expect(!plan.isStalled(at: start + .seconds(1_000)))
        let entry = try Self.entry("events", 1)
        _ = plan.next({ [entry] }, at: start + .seconds(1_000))
        #expect(plan.isStalled(at: start + .seconds(1_061)))
    }

    @Test("what the gateway cannot have said ends the connection")
    mutating func nonsense() throws {
        let entry = try Self.entry("events", 1)
        #expect(throws: WireError.self) { try plan.take(.taken(name: entry.name), at: start) }
        _ = plan.next({ [entry] }, at: start)
        #expect(throws: WireError.self) { try plan.take(.taken(name: "another"), at: start) }
        #expect(throws: WireError.self) { try plan.take(.hello(version: "", boot: ""), at: start) }
        #expect(
            try plan.take(.rescan(tree: "/a", isWhole: true), at: start) == [
                .rescan(tree: "/a", isWhole: true)
            ])
    }

    @Test(
        "a file that is no sealed segment is none",
        arguments: [
            "", "events-1.segment", "events-0000000000000001.segment.new", "-0000000000000001.segment",
            "Events-0000000000000001.segment", "events-000000000000000g.segment", "events-0000000000000001",
            "events-00000000000000001.segment", "a-b-0000000000000001.segment",
            "events--000000000000001.segment",
        ])
    func names(_ name: String) {
        #expect(Spool.Entry(name) == nil)
    }
}
