import Directory
import Routing
import Support
import Testing

/// One line of the table: how three hosts are, and which one is picked.
struct PoolCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let picked: String?
    var passedOver: PassedOver?
    var pinned: String?
    var sessions: [String] = []
    var othersSessions: [String] = []
    var lost: [String] = []
    var othersLost: [String] = []
    var services: [String] = []
    var pressure: [String: Int] = [:]
    var failing: Set<String> = []
    var waking: Set<String> = []
    var unwakeable: Set<String> = []
    /// Whether she may have hosts woken.
    var wakes = false
    var avoided: Set<String> = []
    var drained: Set<String> = []
    var instances: [String: InstanceState] = [:]

    init(_ description: String, _ picked: String?, _ change: (inout PoolCase) -> Void = { _ in }) {
        testDescription = description
        self.picked = picked
        change(&self)
    }
}

@Suite("the host of a pool that is picked")
struct PoolRouteTests {
    private static let drain = HostDrain(since: Fixture.time)

    static let cases = [
        PoolCase("all alike: the first by name", "c1"),
        PoolCase("the fewest sessions", "c3") { $0.othersSessions = ["c1", "c1", "c2"] },
        PoolCase("the least loaded, if all say how they are", "c2") {
            $0.pressure = ["c1": 900, "c2": 100, "c3": 300]
        },
        PoolCase("a host that does not say how it is leaves sessions to count", "c3") {
            $0.pressure = ["c1": 900, "c3": 950]
            $0.othersSessions = ["c1", "c2"]
        },
        PoolCase("a session weighs as much as five per cent", "c2") {
            $0.pressure = ["c1": 100, "c2": 140, "c3": 500]
            $0.othersSessions = ["c1"]
        },
        PoolCase("four per cent are less than a session", "c1") {
            $0.pressure = ["c1": 100, "c2": 160, "c3": 500]
            $0.othersSessions = ["c1"]
        },
        PoolCase("who is there already stays there, however busy it is", "c1") {
            $0.sessions = ["c1"]
            $0.pressure = ["c1": 5_000, "c2": 0, "c3": 0]
        },
        PoolCase("where most sessions are", "c3") { $0.sessions = ["c1", "c3", "c3"] },
        PoolCase("who lost a session there goes back", "c2") { $0.lost = ["c2"] },
        PoolCase("what others have lost is no load", "c1") { $0.othersLost = ["c1", "c1"] },
        PoolCase("a service keeps its user's place", "c2") { $0.services = ["c2"] },
        PoolCase("sessions go before a service", "c3") {
            $0.services = ["c2"]
            $0.sessions = ["c3"]
        },
        PoolCase("the own choice goes before sessions", "c2") {
            $0.pinned = "c2"
            $0.sessions = ["c1", "c1"]
        },
        PoolCase("a choice outside of the pool means nothing", "c1") { $0.pinned = "elsewhere" },
        PoolCase("a host that fails is left, with a word to who was there", "c2") {
            $0.sessions = ["c1"]
            $0.failing = ["c1"]
            $0.passedOver = .notAnswering("c1")
        },
        PoolCase("a host that fails is left without a word by who was not there", "c2") {
            $0.failing = ["c1"]
        },
        PoolCase("where all fail one is tried all the same", "c2") {
            $0.failing = ["c1", "c2", "c3"]
            $0.sessions = ["c2"]
        },
        PoolCase("a host that has just not answered is not tried again", "c3") {
            $0.services = ["c1"]
            $0.avoided = ["c1", "c2"]
            $0.passedOver = .notAnswering("c1")
        },
        PoolCase("a drained host takes nobody, also who is there", "c2") {
            $0.sessions = ["c1"]
            $0.drained = ["c1"]
            $0.passedOver = .draining("c1", drain)
        },
        PoolCase("the own choice is left while it is stopped", "c1") {
            $0.pinned = "c3"
            $0.instances = ["c3": .stopped]
            $0.passedOver = .down("c3", .stopped)
        },
        PoolCase("one that starts is taken only where there is no other", "c2") {
            $0.instances = ["c1": .pending]
        },
        PoolCase("or by who was there", "c1") {
            $0.instances = ["c1": .pending]
            $0.services = ["c1"]
        },
        PoolCase("load counts although a host fails", "c2") {
            $0.pressure = ["c1": 900, "c2": 100]
            $0.failing = ["c3"]
        },
        PoolCase("load counts although a host sleeps", "c2") {
            $0.pressure = ["c1": 900, "c2": 100]
            $0.instances = ["c3": .stopped]
            $0.wakes = true
        },
        PoolCase("load counts although a host starts", "c2") {
            $0.pressure = ["c1": 900, "c2": 100]
            $0.instances = ["c3": .pending]
        },
        PoolCase("one is woken only where none is up", "c3") {
            $0.instances = ["c1": .stopped, "c2": .stopped]
            $0.wakes = true
            $0.services = ["c1"]
            $0.passedOver = .down("c1", .stopped)
        },
        PoolCase("the own choice is woken all the same", "c2") {
            $0.instances = ["c1": .stopped, "c2": .stopped]
            $0.wakes = true
            $0.pinned = "c2"
        },
        PoolCase("one that is being woken goes before one that sleeps, whoever waits for it", "c2") {
            $0.instances = ["c1": .stopped, "c2": .stopped, "c3": .stopped]
            $0.wakes = true
            $0.waking = ["c2"]
            $0.othersSessions = ["c2", "c2"]
        },
        PoolCase("and still when the cloud says that it runs", "c3") {
            $0.instances = ["c1": .stopped, "c2": .stopped, "c3": .running]
            $0.wakes = true
            $0.waking = ["c3"]
        },
        PoolCase("one that is being woken is left for one that is up", "c1") {
            $0.instances = ["c1": .running, "c2": .stopped, "c3": .stopped]
            $0.wakes = true
            $0.waking = ["c2"]
            $0.othersSessions = ["c1", "c1"]
        },
        PoolCase("of those that sleep the one to which somebody is on the way", "c3") {
            $0.instances = ["c1": .stopped, "c2": .stopped, "c3": .stopped]
            $0.wakes = true
            $0.othersSessions = ["c3"]
        },
        PoolCase("one that could not be woken lately is left, even by whose choice it is", "c2") {
            $0.instances = ["c1": .stopped, "c2": .stopped, "c3": .stopped]
            $0.wakes = true
            $0.pinned = "c1"
            $0.unwakeable = ["c1"]
            $0.passedOver = .down("c1", .stopped)
        },
        PoolCase("that one did not answer before it was stopped does not count", "c2") {
            $0.instances = ["c1": .stopped, "c2": .stopped, "c3": .stopped]
            $0.wakes = true
            $0.pinned = "c2"
            $0.failing = ["c2"]
        },
        PoolCase("where none could be woken lately one is tried all the same", "c2") {
            $0.instances = ["c1": .stopped, "c2": .stopped, "c3": .stopped]
            $0.wakes = true
            $0.pinned = "c2"
            $0.unwakeable = ["c1", "c2", "c3"]
        },
        PoolCase("one that could not be woken and is up now is as good as any", "c1") {
            $0.unwakeable = ["c1"]
        },
        PoolCase("none is open", nil) {
            $0.drained = ["c1"]
            $0.avoided = ["c2"]
            $0.instances = ["c3": .terminated]
        },
    ]

    @Test("follows the rule", arguments: cases)
    func picks(_ expected: PoolCase) throws {
        let fixture = try Fixture()
        try fixture.directory.join(["c3"], to: "communal")
        try fixture.grant(.group("lab"), .pool("communal"), Rights(wake: expected.wakes))
        for host in expected.drained { try fixture.directory.setDrain(Self.drain, of: host) }
        for (host, state) in expected.instances { try fixture.setInstance(state, of: host) }
        let members = try fixture.directory.reachableHosts(of: "alice", at: Fixture.time)
        let route = PoolRoute(name: "communal", members: members, pinned: expected.pinned)
        var situation = PoolSituation()
        situation.sessions =
            expected.sessions.map { Presence(user: "alice", host: $0) }
            + expected.othersSessions.map { Presence(user: "bob", host: $0) }
        situation.lost =
            expected.lost.map { Presence(user: "alice", host: $0) }
            + expected.othersLost.map { Presence(user: "bob", host: $0) }
        situation.services = Set(expected.services.map { Presence(user: "alice", host: $0) })
        situation.pressure = expected.pressure
        situation.failing = expected.failing
        situation.waking = expected.waking
        situation.unwakeable = expected.unwakeable
        let choice = route.choose(in: situation, avoiding: expected.avoided)
        #expect(choice?.access.host.name == expected.picked)
        #expect(choice?.passedOver == expected.passedOver)
    }

    @Test("another host is equal where the same may be done, whether or not it may be woken")
    func equal() throws {
        let fixture = try Fixture()
        try fixture.directory.join(["c3"], to: "communal")
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.grant(.group("lab"), .host("c2"), Rights(wake: true))
        try fixture.grant(.group("lab"), .host("c3"), Rights(sudo: true))
        let members = try fixture.directory.reachableHosts(of: "alice", at: Fixture.time)
        for (from, left) in [("c1", ["c1", "c2"]), ("c2", ["c1", "c2"]), ("c3", ["c3"])] {
            var route = PoolRoute(name: "communal", members: members)
            let access = try #require(members.first { $0.host.name == from })
            route.keepEqual(to: access)
            #expect(route.members.map(\.host.name) == left)
        }
    }

    @Test(
        "a host that was passed over is told of in half a sentence",
        arguments: [
            (PassedOver.notAnswering("c1"), "c1 does not answer: you are on c2"),
            (.draining("c1", drain), "c1 takes no new sessions: you are on c2"),
            (
                .draining("c1", HostDrain(since: Fixture.time, message: "kernel")),
                "c1 takes no new sessions (kernel): you are on c2"
            ),
            (.down("c1", .stopped), "c1 is stopped: you are on c2"),
            (.down("c1", .terminated), "c1 is gone: you are on c2"),
        ])
    func sentence(_ passedOver: PassedOver, _ sentence: String) {
        #expect(passedOver.sentence(insteadOn: "c2") == sentence)
    }
}
