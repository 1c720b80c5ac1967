import Authorization
import Directory
import Routing
import Support
import Testing

@Suite("Explanations of an access")
struct AccessExplanationTests {
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func explain(_ user: String = "alice", at time: Timestamp = Fixture.time) throws
        -> AccessExplanation
    {
        try AccessExplanation(of: user, on: "c1", at: time, in: fixture.directory)
    }

    private func ground(
        _ right: AccessExplanation.Right, of user: String = "alice", at time: Timestamp = Fixture.time
    ) throws -> AccessExplanation.Ground {
        try #require(try explain(user, at: time).grounds.first { $0.right == right })
    }

    @Test("without a grant nothing is given, and that is why", arguments: AccessExplanation.Right.allCases)
    func nothing(_ right: AccessExplanation.Right) throws {
        let ground = try self.ground(right)
        #expect(!ground.isGiven && ground.grants.isEmpty && ground.because == "no grant leads there")
    }

    @Test("each right names the grants that give it")
    func given() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.grant(.user("alice"), .host("c1"), Rights(sudo: true, agent: true))
        #expect(try ground(.login).grants == [1, 2])
        #expect(try ground(.sudo).because == "grant 2")
        #expect(try ground(.ports).because == "grant 1, grant 2 (all)")
        #expect(try ground(.wake).because == "no grant gives it")
        #expect(try ground(.record).because == "no grant demands it")
        #expect(try explain().isReachable)
    }

    @Test("what does not hold says why, and so does the right that it alone would give")
    func lapsed() throws {
        let later = Fixture.time + .seconds(3_600)
        for (rights, period) in [
            (Rights(sudo: true), GrantPeriod(from: later)), (Rights(), GrantPeriod(until: later)),
            (Rights(agent: true), GrantPeriod(hours: try WeeklyHours(days: "mon", hours: nil, zone: "UTC"))),
        ] {
            try fixture.directory.addGrant(
                .user("alice"), to: .host("c1"), rights, period: period, at: Fixture.time)
        }
        // A Tuesday.
        let tuesday = try #require(Timestamp("2030-01-01T12:00:00Z"))
        #expect(try ground(.sudo).because == "grant 1 does not begin before \(later)")
        #expect(
            try explain(at: tuesday).grants.map { $0.lapse?.text } == [
                nil, "was over at \(later)", "holds mon 00:00-24:00 UTC only",
            ])
        #expect(try ground(.agent, at: tuesday).because == "grant 3 holds mon 00:00-24:00 UTC only")
        #expect(try ground(.sudo, at: tuesday).isGiven)
    }

    @Test("who is locked or has left, and a host that is disabled, are the reason for everything")
    func blocks() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.directory.setHostState(.disabled, of: "c1")
        #expect(try ground(.login).because == "c1 is disabled")
        try fixture.directory.lockUser("alice")
        #expect(try ground(.programs).because == "alice is locked")
        try fixture.directory.leaveUser("alice")
        #expect(try ground(.files).because == "alice has left")
        #expect(try !explain().isReachable)
    }

    @Test("a host that is stopped or drained is not reached, though granted")
    func obstacles() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.setInstance(.stopped, of: "c1")
        #expect(try ground(.login).because == "c1 is stopped. Ask your administrator to start it.")
        #expect(try ground(.programs).isGiven)
        #expect(try !explain().isReachable)
    }

    @Test(
        "a jump that is refused says why",
        arguments: [Rights.fileTransfer, Rights(record: true), Rights(programs: .none)])
    func jumps(_ rights: Rights) throws {
        try fixture.grant(.group("lab"), .pool("communal"), rights)
        #expect(try ground(.jump).because.contains("a jump to it is not possible"))
    }

    @Test("users and hosts that there are not are not found")
    func unknown() throws {
        for (user, host) in [("nobody", "c1"), ("alice", "c9")] {
            #expect(throws: DirectoryError.self) {
                _ = try AccessExplanation(of: user, on: host, at: Fixture.time, in: fixture.directory)
            }
        }
    }

    @Test(
        "say the same as a login finds",
        arguments: [Rights(), .fileTransfer, Rights(programs: .none), Rights(agent: true, record: true)],
        [
            Rights(forwarding: .none), Rights(sudo: true, forwarding: PortSet([1...2])),
            Rights(remoteForwarding: false, wake: true),
        ])
    func agreement(_ first: Rights, _ second: Rights) throws {
        try fixture.grant(.group("lab"), .pool("communal"), first)
        try fixture.grant(.user("alice"), .all, second)
        let access = try #require(try fixture.directory.access(of: "alice", to: "c1", at: Fixture.time))
        #expect(try ground(.sudo).isGiven == access.rights.sudo)
        #expect(try ground(.programs).isGiven == (access.rights.permissions.programs == .all))
        #expect(try ground(.jump).isGiven == access.mayJump)
        #expect(try ground(.record).isGiven == access.rights.record)
        #expect(try ground(.agent).isGiven == access.rights.permissions.agent)
    }

    @Test("what is required is said, of each grant and of the way in")
    func requirement() throws {
        try fixture.grant(.user("alice"), .host("c1"), requiring: .code)
        #expect(try ground(.login).because == "grant 1 with totp")
        #expect(try explain().required == .code)
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try ground(.login).because == "grant 1 with totp, grant 2")
        #expect(try explain().required == [])
    }
}
