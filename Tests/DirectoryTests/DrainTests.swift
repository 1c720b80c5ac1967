import Directory
import Support
import Testing

@Suite("drains and choices in the directory")
struct DrainTests {
    @Test("survive export and import, and leave with their host and user")
    func roundTrip() throws {
        let fixture = try Fixture()
        try fixture.user("alice")
        try fixture.host("c1")
        let drain = HostDrain(since: Fixture.time, deadline: Fixture.time + .seconds(60), message: "kernel")
        try fixture.store.setDrain(drain, of: "c1")
        try fixture.store.setPin("c1", of: "alice")
        let other = try Fixture()
        _ = try other.store.importJSON(try fixture.store.exportJSON())
        #expect(try other.store.host("c1").drain == drain)
        #expect(try other.store.pin(of: "alice") == "c1")
        try other.store.removeHost("c1")
        #expect(try other.store.pin(of: "alice") == nil)
        _ = try fixture.store.leaveUser("alice")
        #expect(try fixture.store.pin(of: "alice") == nil)
        try fixture.store.setDrain(nil, of: "c1")
        #expect(try fixture.store.host("c1").drain == nil)
    }

    @Test(
        "a drain is over at its deadline, one without never",
        arguments: [(59, false), (60, true), (61, true)])
    func over(_ seconds: Int64, _ isOver: Bool) {
        let drain = HostDrain(since: Fixture.time, deadline: Fixture.time + .seconds(60))
        #expect(drain.isOver(at: Fixture.time + .seconds(seconds)) == isOver)
        #expect(!HostDrain(since: Fixture.time).isOver(at: Fixture.time + .seconds(seconds)))
    }

    @Test(
        "the notice is due from five minutes before the deadline until then, where there were more than ten",
        arguments: [
            (3_600, 0, false), (3_600, 3_299, false), (3_600, 3_300, true), (3_600, 3_599, true),
            (3_600, 3_600, false), (3_600, 4_000, false), (601, 300, false), (601, 301, true),
            (600, 300, false), (600, 599, false), (20, 10, false),
        ])
    func notice(_ deadline: Int64, _ seconds: Int64, _ isDue: Bool) {
        let drain = HostDrain(since: Fixture.time, deadline: Fixture.time + .seconds(deadline))
        #expect(drain.isNoticeDue(at: Fixture.time + .seconds(seconds)) == isDue)
        #expect(!HostDrain(since: Fixture.time).isNoticeDue(at: Fixture.time + .seconds(seconds)))
    }

    @Test(
        "a message is one line without control characters",
        arguments: ["a\nb", "\u{1B}[2J", String(repeating: "x", count: 513)])
    func message(_ text: String) throws {
        let fixture = try Fixture()
        try fixture.host("c1")
        try fixture.refuses(.invalidField) {
            try fixture.store.setDrain(HostDrain(since: Fixture.time, message: text), of: "c1")
        }
    }
}
