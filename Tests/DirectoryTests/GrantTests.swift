import Authorization
import Directory
import Support
import Testing

@Suite("Grants")
struct GrantTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }
    private let now = Fixture.time
    private static let jupyter = PortSet([8_888...8_888])

    /// alice is in lab, bob is not; h1 and h2 are in the pool, h3 is not.
    init() throws {
        fixture = try Fixture()
        try fixture.group("lab")
        try fixture.user("alice", groups: ["lab"])
        try fixture.user("bob")
        for name in ["h1", "h2", "h3"] { try fixture.host(name) }
        try fixture.store.addPool("communal")
        try fixture.store.join(["h1", "h2"], to: "communal")
    }

    private func reach(_ user: String) throws -> [String] {
        try store.reachableHosts(of: user, at: now).map(\.host.name)
    }

    @Test("nobody reaches anything without one")
    func none() throws {
        #expect(try reach("alice") == [])
        #expect(try store.access(of: "alice", to: "h1", at: now) == nil)
        #expect(try store.accountHolders(on: "h1", at: now) == [])
    }

    @Test(
        "open what they say to whom they say",
        arguments: [
            (GrantSubject.user("alice"), GrantTarget.host("h1"), ["h1"], []),
            (.user("alice"), .pool("communal"), ["h1", "h2"], []),
            (.group("lab"), .host("h3"), ["h3"], []),
            (.group("lab"), .pool("communal"), ["h1", "h2"], []),
            (.group("lab"), .all, ["h1", "h2", "h3"], []),
            (.user("bob"), .all, [], ["h1", "h2", "h3"]),
            (.user("bob"), .host("h1"), [], ["h1"]),
            (.user("bob"), .pool("communal"), [], ["h1", "h2"]),
        ])
    func matrix(_ subject: GrantSubject, _ target: GrantTarget, _ alice: [String], _ bob: [String]) throws {
        let grant = try store.addGrant(subject, to: target, at: now)
        #expect(try store.grant(grant.id) == grant)
        #expect(try reach("alice") == alice)
        #expect(try reach("bob") == bob)
        for host in ["h1", "h2", "h3"] {
            #expect((try store.access(of: "alice", to: host, at: now) != nil) == alice.contains(host))
            let holders = try store.accountHolders(on: host, at: now).map(\.user.name)
            #expect(holders == (alice.contains(host) ? ["alice"] : []) + (bob.contains(host) ? ["bob"] : []))
        }
        #expect(try store.effectiveGrants(of: "alice", at: now).isEmpty == alice.isEmpty)
        try store.removeGrant(grant.id)
        #expect(try reach("alice") == [])
        #expect(try reach("bob") == [])
    }

    @Test("add up: every permission of one of them, recording if one demands it")
    func merging() throws {
        let flags: [Rights] = [
            Rights(forwarding: .none),
            Rights(sudo: true, forwarding: .none),
            Rights(),
            Rights(forwarding: Self.jupyter),
            Rights(forwarding: .none, remoteForwarding: true),
            Rights(forwarding: .none, agent: true),
            Rights(forwarding: .none, record: true),
            Rights(forwarding: .none, wake: true),
            .fileTransfer,
            Rights(programs: .none, forwarding: Self.jupyter),
        ]
        for first in flags {
            for second in flags {
                let one = try store.addGrant(.user("alice"), to: .host("h1"), first, at: now)
                let two = try store.addGrant(.group("lab"), to: .pool("communal"), second, at: now)
                let access = try #require(try store.access(of: "alice", to: "h1", at: now))
                let (given, of, andOf) = (access.rights, first.permissions, second.permissions)
                #expect(given.sudo == (first.sudo || second.sudo))
                #expect(given.wake == (first.wake || second.wake))
                #expect(given.permissions.programs == max(of.programs, andOf.programs))
                #expect(given.permissions.terminal == (of.terminal || andOf.terminal))
                #expect(
                    given.permissions.remoteForwarding == (of.remoteForwarding || andOf.remoteForwarding))
                #expect(given.permissions.agent == (of.agent || andOf.agent))
                #expect(given.record == (first.record || second.record))
                for port: UInt16 in [22, 8_888] {
                    let isForwarded = of.forwarding.contains(port) || andOf.forwarding.contains(port)
                    #expect(given.permissions.forwarding.contains(port) == isForwarded)
                }
                // No grant takes away what another one gives; but what is to be recorded is.
                #expect(given.cover(first) == (given.record == first.record))
                #expect(given.cover(second) == (given.record == second.record))
                #expect(access.grants == [one.id, two.id])
                #expect(try store.accountHolders(on: "h1", at: now).first?.rights == access.rights)
                #expect(try store.access(of: "alice", to: "h2", at: now)?.rights == second)
                try store.removeGrant(one.id)
                try store.removeGrant(two.id)
            }
        }
    }

    @Test("end at their moment, not after it")
    func expiry() throws {
        let end = now + .seconds(60)
        let grant = try store.addGrant(
            .user("alice"), to: .host("h1"), period: GrantPeriod(until: end), at: now)
        #expect(grant.until == end)
        #expect(try store.access(of: "alice", to: "h1", at: end + .milliseconds(-1)) != nil)
        for time in [end, end + .seconds(1)] {
            #expect(try store.access(of: "alice", to: "h1", at: time) == nil)
            #expect(try store.reachableHosts(of: "alice", at: time).isEmpty)
            #expect(try store.effectiveGrants(of: "alice", at: time).isEmpty)
            #expect(try store.accountHolders(on: "h1", at: time).isEmpty)
        }
        #expect(!grant.isEffective(at: end))
        #expect(try store.grants() == [grant])
    }

    @Test("an expired one takes its flags along; the access ends with the last")
    func expiredFlags() throws {
        try store.addGrant(
            .user("alice"), to: .host("h1"), Rights(sudo: true),
            period: GrantPeriod(until: now + .seconds(10)),
            at: now)
        try store.addGrant(
            .user("alice"), to: .host("h1"), period: GrantPeriod(until: now + .seconds(20)), at: now)
        #expect(try store.access(of: "alice", to: "h1", at: now)?.until == now + .seconds(20))
        #expect(try store.access(of: "alice", to: "h1", at: now)?.rights.sudo == true)
        #expect(try store.access(of: "alice", to: "h1", at: now + .seconds(10))?.rights.sudo == false)
        try store.addGrant(.group("lab"), to: .host("h1"), at: now)
        #expect(try store.access(of: "alice", to: "h1", at: now)?.until == nil)
    }

    @Test("do nothing for who is locked or has left, nor for a host that is disabled")
    func states() throws {
        try store.addGrant(.group("lab"), to: .pool("communal"), at: now)
        try store.setHostState(.disabled, of: "h1")
        #expect(try reach("alice") == ["h2"])
        #expect(try store.access(of: "alice", to: "h1", at: now) == nil)
        #expect(try store.accountHolders(on: "h1", at: now).count == 1)
        try store.lockUser("alice")
        #expect(try reach("alice") == [])
        #expect(try store.access(of: "alice", to: "h2", at: now) == nil)
        #expect(try store.effectiveGrants(of: "alice", at: now).isEmpty)
        #expect(try store.accountHolders(on: "h2", at: now).isEmpty)
        try store.unlockUser("alice")
        #expect(try reach("alice") == ["h2"])
        try store.leaveUser("alice")
        #expect(try reach("alice") == [])
    }

    @Test("of a group end with the membership, and with the group")
    func groups() throws {
        try store.addGrant(.group("lab"), to: .host("h1"), at: now)
        try store.addMembers(["bob"], to: "lab")
        #expect(try reach("bob") == ["h1"])
        try store.removeMembers(["bob"], from: "lab")
        #expect(try reach("bob") == [])
        try store.removeGroup("lab")
        #expect(try reach("alice") == [])
        #expect(try store.grants().isEmpty)
        #expect(try store.groups().isEmpty)
        try fixture.refuses(.notFound) { try store.addGrant(.group("lab"), to: .host("h1")) }
    }

    @Test("tell nothing about users and hosts that are not there")
    func unknown() throws {
        #expect(try store.access(of: "nobody2", to: "h1", at: now) == nil)
        #expect(try store.access(of: "alice", to: "h9", at: now) == nil)
        #expect(try store.reachableHosts(of: "nobody2", at: now).isEmpty)
    }

    @Test("name what an account needs")
    func accountHolders() throws {
        try store.addGrant(.group("lab"), to: .host("h1"), Rights(sudo: true), at: now)
        try store.addKey(Fixture.key(1), to: "alice")
        let holder = try #require(try store.accountHolders(on: "h1", at: now).first)
        #expect(holder.user == (try store.user("alice")))
        #expect(holder.groups.map(\.name) == ["lab"])
        #expect(holder.keys.map(\.material) == [Fixture.key(1)])
        #expect(holder.rights.sudo)
    }

    @Test("are for users, groups, hosts and pools that are there")
    func notFound() throws {
        for attempt: () throws -> Void in [
            { try store.addGrant(.user("x"), to: .host("h1")) },
            { try store.addGrant(.user("lab"), to: .host("h1")) },
            { try store.addGrant(.group("alice"), to: .host("h1")) },
            { try store.addGrant(.user("alice"), to: .host("communal")) },
            { try store.addGrant(.user("alice"), to: .pool("h1")) }, { try store.removeGrant(99) },
            { _ = try store.grant(99) }, { _ = try store.effectiveGrants(of: "x") },
        ] {
            try fixture.refuses(.notFound, attempt)
        }
    }

    @Test("cannot end in the past")
    func past() throws {
        try fixture.refuses(.invalidField) {
            try store.addGrant(.user("alice"), to: .host("h1"), period: GrantPeriod(until: now), at: now)
        }
    }

    @Test("have ids that do not come back")
    func ids() throws {
        let first = try store.addGrant(.user("alice"), to: .host("h1"), at: now)
        try store.removeGrant(first.id)
        #expect(try store.addGrant(.user("alice"), to: .host("h1"), at: now).id == first.id + 1)
    }

    @Test("for every host lead to hosts that come later too")
    func everyHost() throws {
        try store.addGrant(.user("alice"), to: .all, at: now)
        try fixture.host("h4")
        #expect(try reach("alice") == ["h1", "h2", "h3", "h4"])
        try store.removeHost("h1")
        #expect(try store.grants().map(\.target) == [.all])
        #expect(try reach("bob") == [])
    }

    @Test("begin at their moment, not before it")
    func beginning() throws {
        let (start, end) = (now + .seconds(60), now + .seconds(90))
        try store.addGrant(
            .user("alice"), to: .host("h1"), period: GrantPeriod(from: start, until: end), at: now)
        for (time, isThere) in [
            (now, false), (start + .milliseconds(-1), false), (start, true), (end + .milliseconds(-1), true),
            (end, false),
        ] {
            #expect((try store.access(of: "alice", to: "h1", at: time) != nil) == isThere)
            #expect(try store.accountHolders(on: "h1", at: time).isEmpty != isThere)
        }
        try fixture.refuses(.invalidField) {
            try store.addGrant(
                .user("alice"), to: .host("h1"), period: GrantPeriod(from: end, until: start), at: now)
        }
    }

    @Test("hold in their hours alone, and an access ends with the last of them that holds")
    func hours() throws {
        // 2026-01-31 is a Saturday.
        let morning = try #require(Timestamp("2026-01-31T09:30:00Z"))
        let hours = try WeeklyHours(days: "sat", hours: "09:00-10:00", zone: "UTC")
        try store.addGrant(
            .user("alice"), to: .host("h1"), Rights(sudo: true), period: GrantPeriod(hours: hours), at: now)
        let ten = try #require(Timestamp("2026-01-31T10:00:00Z"))
        #expect(try store.access(of: "alice", to: "h1", at: morning)?.until == ten)
        #expect(try store.access(of: "alice", to: "h1", at: ten) == nil)
        #expect(try store.access(of: "alice", to: "h1", at: morning + .seconds(-86_400)) == nil)
        try store.addGrant(
            .user("alice"), to: .host("h1"), period: GrantPeriod(until: ten + .seconds(60)), at: morning)
        #expect(try store.access(of: "alice", to: "h1", at: morning)?.until == ten + .seconds(60))
        #expect(try store.access(of: "alice", to: "h1", at: ten)?.rights == Rights())
    }

    @Test(
        "permit something, and neither root nor an agent to who runs nothing",
        arguments: [
            Rights(programs: .none, forwarding: .none), Rights(sudo: true, programs: .files),
            Rights(programs: .files, agent: true), Rights(sudo: true, programs: .none),
        ])
    func nonsense(_ rights: Rights) throws {
        try fixture.refuses(.invalidField) {
            try store.addGrant(.user("alice"), to: .host("h1"), rights, at: now)
        }
    }
}
