import Authorization
import Directory
import Routing
import Support
import Testing

@Suite("where a login leads")
struct RouterTests {
    private let fixture: Fixture
    private let router: Router

    init() throws {
        fixture = try Fixture()
        router = Router(directory: fixture.directory)
    }

    /// The host's name, `gate`, or the sentence of the refusal.
    private func lead(
        _ target: String?, user: String = "alice", _ sessions: [Presence] = [],
        showing shown: FurtherFactors = [], from origin: Origin = .anywhere,
        avoiding avoided: Set<String> = []
    ) throws -> String {
        var situation = PoolSituation()
        situation.sessions = sessions
        let route = try router.route(
            user: user, target: target, showing: shown, from: origin, at: Fixture.time)
        let (destination, passedOver) = route.destination(in: situation, avoiding: avoided)
        switch destination {
        case .gate: return "gate"
        case .host(let access):
            // Where somebody is withheld from where they want to be, that is said.
            switch passedOver {
            case .lacking, .elsewhere: return passedOver?.sentence(insteadOn: access.host.name) ?? ""
            default: return access.host.name
            }
        case .refused(let refusal): return refusal.sentence
        }
    }

    @Test("a host that is granted, directly or by a pool or a group, is reached with its rights")
    func host() throws {
        try fixture.grant(.user("alice"), .host("c3"), Rights(sudo: true))
        try fixture.grant(.group("lab"), .pool("communal"), Rights(agent: true))
        #expect(try lead("c3") == "c3")
        #expect(try lead("c2") == "c2")
        let found = try router.route(
            user: "alice", target: "c3", showing: [], from: .anywhere, at: Fixture.time)
        guard case .settled(.host(let access)) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(access.rights == Rights(sudo: true))
        #expect(access.user.name == "alice")
    }

    @Test(
        "unknown, not granted and closed are one answer",
        arguments: ["nowhere", "c1", "communal", "c3", "lab", ""])
    func sameAnswer(_ target: String) throws {
        try fixture.grant(.user("alice"), .host("c3"))
        try fixture.directory.setHostState(.disabled, of: "c3")
        #expect(try lead(target) == "There is no host or pool '\(target)' that you may reach.")
        #expect(
            try lead(target, user: "nobody") == "There is no host or pool '\(target)' that you may reach.")
    }

    @Test("what a client asked for is made printable in the answer")
    func hostileTarget() throws {
        #expect(try lead("a\u{1B}[2J") == "There is no host or pool 'a\\u{1B}[2J' that you may reach.")
    }

    @Test("the gate is open to every active user, and to nobody else")
    func gate() throws {
        #expect(try lead("gate") == "gate")
        try fixture.directory.lockUser("alice")
        #expect(try lead("gate") != "gate")
        #expect(try lead("gate", user: "nobody") != "gate")
    }

    @Test("a pool leads where the user is already, else where the fewest are, else by name")
    func pool() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try lead("communal") == "c1")
        let bob = Presence(user: "bob", host: "c1")
        #expect(try lead("communal", [bob]) == "c2")
        let alice = Presence(user: "alice", host: "c1")
        #expect(try lead("communal", [bob, bob, alice]) == "c1")
        #expect(try lead("communal", [alice, Presence(user: "alice", host: "c3")]) == "c1")
    }

    @Test("a host that did not answer is avoided, even by who is there already")
    func avoided() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        let here = [Presence(user: "alice", host: "c1")]
        #expect(try lead("communal", here, avoiding: ["c1"]) == "c2")
        #expect(try lead(nil, here, avoiding: ["c1"]) == "c2")
        let none = "No host of 'communal' is open now. Try again later, or ask your administrator."
        #expect(try lead("communal", avoiding: ["c1", "c2", "c3"]) == none)
        #expect(try lead("c1", avoiding: ["c1"]).hasPrefix("No host of 'c1'"))
    }

    @Test("a pool leads only to open hosts the user may reach")
    func partOfPool() throws {
        try fixture.grant(.user("alice"), .host("c2"))
        #expect(try lead("communal") == "c2")
        try fixture.directory.setHostState(.disabled, of: "c2")
        #expect(
            try lead("communal")
                == "No host of 'communal' is open now. Try again later, or ask your administrator.")
        #expect(
            try lead("communal", user: "bob") == "There is no host or pool 'communal' that you may reach.")
    }

    @Test(
        "a host that is stopped or gone is not reached, and who may reach it is told why",
        arguments: [
            (InstanceState.stopped, "c1 is stopped. Ask your administrator to start it."),
            (.stopping, "c1 is stopped. Ask your administrator to start it."),
            (.terminated, "c1 is gone: its machine was terminated. Ask your administrator for another host."),
            (
                .shuttingDown,
                "c1 is gone: its machine was terminated. Ask your administrator for another host."
            ),
            (.running, "c1"), (.pending, "c1"), (.unknown, "c1"),
        ])
    func down(_ state: InstanceState, _ lead: String) throws {
        try fixture.grant(.user("alice"), .host("c1"))
        try fixture.setInstance(state, of: "c1")
        #expect(try self.lead("c1") == lead)
        #expect(try self.lead(nil) == lead)
        #expect(try self.lead("c1", user: "bob") == "There is no host or pool 'c1' that you may reach.")
        #expect(
            try self.lead("communal", user: "bob")
                == "There is no host or pool 'communal' that you may reach.")
    }

    @Test("a host that is stopped is reached by who may wake it, and one that is gone by nobody")
    func asleep() throws {
        try fixture.grant(.user("alice"), .host("c1"), Rights(wake: true))
        for state in [InstanceState.stopped, .stopping] {
            try fixture.setInstance(state, of: "c1")
            #expect(try lead("c1") == "c1")
            #expect(try lead(nil) == "c1")
        }
        try fixture.setInstance(.terminated, of: "c1")
        #expect(try lead("c1").hasPrefix("c1 is gone"))
    }

    @Test("a pool has a host woken only where none is up or starting")
    func asleepInPool() throws {
        try fixture.grant(.group("lab"), .pool("communal"), Rights(wake: true))
        try fixture.setInstance(.stopped, of: "c1")
        let bob = Presence(user: "bob", host: "c2")
        #expect(try lead("communal", [bob]) == "c2")
        try fixture.setInstance(.pending, of: "c2")
        #expect(try lead("communal") == "c2")
        try fixture.setInstance(.stopped, of: "c2")
        #expect(try lead("communal") == "c1")
    }

    @Test("a pool leads to no host that is down, and to one that starts only where there is no other")
    func downInPool() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.setInstance(.stopped, of: "c1")
        let alice = Presence(user: "alice", host: "c1")
        #expect(try lead("communal", [alice]) == "c2")
        try fixture.setInstance(.pending, of: "c1")
        #expect(try lead("communal") == "c2")
        try fixture.setInstance(.terminated, of: "c2")
        #expect(try lead("communal") == "c1")
        try fixture.setInstance(.shuttingDown, of: "c1")
        #expect(
            try lead("communal")
                == "No host of 'communal' is open now. Try again later, or ask your administrator.")
    }

    @Test("without a target, a host that is up goes before one that is down")
    func downDefault() throws {
        try fixture.grant(.user("alice"), .host("c1"))
        try fixture.grant(.user("alice"), .host("c3"))
        #expect(try lead(nil) == "c1")
        try fixture.setInstance(.stopped, of: "c1")
        #expect(try lead(nil) == "c3")
        try fixture.setInstance(.stopped, of: "c3")
        #expect(try lead(nil) == "c1 is stopped. Ask your administrator to start it.")
    }

    @Test("a host that is drained takes nobody new, and who may reach it reads the message")
    func drained() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.directory.setDrain(HostDrain(since: Fixture.time, message: "kernel"), of: "c1")
        #expect(try lead("c1") == "c1 takes no new sessions now: kernel.")
        #expect(try lead("communal", [Presence(user: "alice", host: "c1")]) == "c2")
        try fixture.directory.setDrain(HostDrain(since: Fixture.time), of: "c2")
        #expect(try lead("c2") == "c2 takes no new sessions now.")
        #expect(try lead(nil).hasPrefix("No host of 'communal' is open now."))
        #expect(try lead("c1", user: "nobody") == "There is no host or pool 'c1' that you may reach.")
        try fixture.directory.setDrain(nil, of: "c1")
        #expect(try lead("communal") == "c1")
    }

    @Test("administrators reach a drained host by its name, and not by its pool")
    func drainedForAdmins() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.directory.setRole(.admin, of: "alice")
        for host in ["c1", "c2"] {
            try fixture.directory.setDrain(HostDrain(since: Fixture.time), of: host)
        }
        #expect(try lead("c1") == "c1")
        #expect(try lead("communal").hasPrefix("No host of 'communal' is open now."))
    }

    @Test("a person's own choice counts where no target is named, and within the pool that has it")
    func pinned() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.grant(.user("alice"), .host("c3"))
        #expect(try lead(nil) == "c1")
        try fixture.directory.setPin("c2", of: "alice")
        #expect(try lead(nil, [Presence(user: "alice", host: "c1")]) == "c2")
        #expect(try lead("communal") == "c2")
        #expect(try lead(nil, avoiding: ["c2"]) == "c1", "another host of the pool stands in")
        #expect(try lead("c1") == "c1")
        #expect(try lead(nil, user: "bob") == "c1")
        #expect(try router.defaultTarget(of: "alice", at: Fixture.time) == "c2")
        try fixture.directory.setPin("c3", of: "alice")
        #expect(try lead(nil) == "c3")
        #expect(try lead("communal") == "c1")
        #expect(try lead(nil, avoiding: ["c3"]).hasPrefix("No host of 'c3'"))
        try fixture.directory.setPin(nil, of: "alice")
        #expect(try lead(nil) == "c1")
    }

    @Test("a choice that cannot be reached any more does not count")
    func pinnedInVain() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.directory.setPin("c3", of: "alice")
        #expect(try lead(nil) == "c1")
        #expect(try router.defaultTarget(of: "alice", at: Fixture.time) == "communal")
        #expect(throws: DirectoryError.self) { try fixture.directory.setPin("nowhere", of: "alice") }
    }

    @Test("an expired grant leads nowhere")
    func expired() throws {
        let end = Fixture.time + .seconds(60)
        try fixture.directory.addGrant(
            .user("alice"), to: .host("c1"), period: GrantPeriod(until: end), at: Fixture.time)
        #expect(try lead("c1") == "c1")
        let unknown = Route.settled(.refused(.unknownTarget("c1")))
        #expect(
            try router.route(user: "alice", target: "c1", showing: [], from: .anywhere, at: end) == unknown)
        let nothing = Route.settled(.refused(.nothingGranted))
        #expect(
            try router.route(user: "alice", target: nil, showing: [], from: .anywhere, at: end) == nothing)
    }

    @Test("without a target, the only one granted is taken")
    func onlyTarget() throws {
        #expect(try lead(nil) == Refusal.nothingGranted.sentence)
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.grant(.user("alice"), .pool("communal"))
        #expect(try lead(nil) == "c1")
        #expect(try lead(nil, [Presence(user: "bob", host: "c1")]) == "c2")
        try fixture.grant(.user("bob"), .host("c3"))
        #expect(try lead(nil, user: "nobody") == Refusal.nothingGranted.sentence)
    }

    @Test("of several, the pool of the first group that was granted one is taken")
    func poolOfGroup() throws {
        try fixture.directory.addPool("alone", at: Fixture.time)
        try fixture.directory.join(["c3"], to: "alone")
        _ = try fixture.directory.addGroup("art", at: Fixture.time)
        try fixture.directory.addMembers(["alice"], to: "art")
        try fixture.grant(.user("alice"), .host("c1"))
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.grant(.group("art"), .host("c2"))
        #expect(try lead(nil, [Presence(user: "bob", host: "c1")]) == "c2", "lab has a pool, art has none")
        try fixture.grant(.group("art"), .pool("alone"))
        #expect(try lead(nil) == "c3", "art comes before lab")
    }

    @Test("of several without a pool of a group, the first host by name is taken")
    func firstHost() throws {
        try fixture.grant(.user("alice"), .host("c3"))
        try fixture.grant(.user("alice"), .host("c2"))
        #expect(try lead(nil) == "c2")
    }

    @Test("a grant for every host leads to each, and to each pool; the default is a host that is up")
    func everyHost() throws {
        try fixture.grant(.user("alice"), .all)
        for host in ["c1", "c2", "c3"] { #expect(try lead(host) == host) }
        #expect(try lead("communal") == "c1")
        #expect(try router.defaultTarget(of: "alice", at: Fixture.time) == "c1")
        let unknown = Route.settled(.refused(.unknownTarget("c9")))
        #expect(
            try router.route(user: "alice", target: "c9", showing: [], from: .anywhere, at: Fixture.time)
                == unknown)
    }

    @Test("a host or pool that requires more than was shown says what, and how to be asked for it")
    func requirement() throws {
        let code = "requires a one-time code, which this login has not shown. Log in as alice+"
        try fixture.grant(.user("alice"), .host("c3"), requiring: .code)
        try fixture.grant(.user("alice"), .pool("communal"), requiring: .all)
        #expect(try lead("c3").hasPrefix("c3 \(code)c3 "))
        #expect(try lead("c3", showing: .pam).hasPrefix("c3 \(code)c3 "))
        #expect(try lead("c3", showing: .code) == "c3")
        #expect(try lead("communal").hasPrefix("communal requires a password and a one-time code, "))
        #expect(try lead("communal", showing: .pam).hasPrefix("communal \(code)communal "))
        #expect(try lead("communal", showing: .all) == "c1")
        #expect(try lead("c1", showing: .code).hasPrefix("c1 requires a password, "))
        // Of a pool, those are left that need no more.
        try fixture.grant(.user("alice"), .host("c2"))
        #expect(try lead("communal") == "c2")
        #expect(
            try lead("communal", avoiding: ["c2"])
                == "No host of 'communal' is open now. Try again later, or ask your administrator.")
        // Which target is meant does not depend on what was shown.
        #expect(try lead(nil).hasPrefix("c1 requires a password"))
        #expect(try lead("gate") == "gate")
    }

    @Test("who does not get to the host of a pool that they want to be on is told why they are on another")
    func withheld() throws {
        try fixture.grant(.user("alice"), .host("c1"), requiring: .code)
        try fixture.grant(.user("alice"), .host("c2"))
        try fixture.directory.setPin("c1", of: "alice")
        let sentence = "c1 requires a one-time code, which this login has not shown: you are on c2"
        #expect(try lead("communal") == sentence)
        #expect(try lead("communal", showing: .code) == "c1")
        // Without a pin it is where their sessions are.
        try fixture.directory.setPin(nil, of: "alice")
        #expect(try lead("communal") == "c2")
        #expect(try lead("communal", [Presence(user: "alice", host: "c1")]) == sentence)
        #expect(try lead("communal", [Presence(user: "bob", host: "c1")]) == "c2")
        // The choice of a host that is in no granted pool is that host, or nothing.
        try fixture.directory.setPin("c1", of: "alice")
        #expect(try lead(nil).hasPrefix("c1 requires a one-time code, which this login has not shown. Log"))
        try fixture.grant(.group("lab"), .pool("communal"), requiring: .all)
        #expect(try lead("communal") == sentence)
        #expect(try lead("communal", avoiding: ["c2"]).hasPrefix("No host of 'communal' is open now."))
    }

    @Test("a grant for some networks leads nowhere from others, and no further network is named")
    func networks() throws {
        let (home, office) = (Origin(client: "203.0.113.7"), Origin(client: "::ffff:10.1.2.3"))
        try fixture.grant(.user("alice"), .host("c1"), from: "10.0.0.0/8")
        let sentence = "from 203.0.113.7: what you are granted there holds in other networks. "
        for target in ["c1", "communal", nil] {
            #expect(try lead(target, from: office) == "c1")
            let said = try lead(target, from: home)
            #expect(said == "You may not reach \(target ?? "c1") \(sentence)Ask your administrator.")
        }
        #expect(
            try lead("c1", user: "bob", from: home) == "There is no host or pool 'c1' that you may reach.")
        try fixture.grant(.user("alice"), .host("c2"))
        #expect(try lead("communal", from: home) == "c2")
        try fixture.directory.setPin("c1", of: "alice")
        #expect(try lead("communal", from: home) == "you may not reach c1 from here: you are on c2")
        #expect(try lead("communal", from: office) == "c1")
        // What is missing is said before where it is missing, if that is of use.
        try fixture.grant(.user("alice"), .pool("communal"), Rights(sudo: true), requiring: .code)
        #expect(try lead("communal", from: home).hasPrefix("communal requires a one-time code"))
        #expect(try lead("gate", from: home) == "gate")
    }
}
