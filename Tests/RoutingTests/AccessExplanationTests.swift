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

    @Test("name the networks from which a grant holds, and say why it does not from elsewhere")
    func networks() throws {
        let home = Origin(client: "203.0.113.7")
        func ground(_ right: AccessExplanation.Right, from origin: Origin) throws -> AccessExplanation.Ground
        {
            let explanation = try AccessExplanation(
                of: "alice", on: "c1", from: origin, at: Fixture.time, in: fixture.directory)
            return try #require(explanation.grounds.first { $0.right == right })
        }
        let reason = "grant 1 does not hold from 203.0.113.7, needs 10.0.0.0/8"
        try fixture.grant(.user("alice"), .host("c1"), Rights(agent: true), from: "10.0.0.0/8")
        #expect(try ground(.login, from: .anywhere).because == "grant 1 from 10.0.0.0/8")
        #expect(try ground(.login, from: Origin(client: "10.0.0.1")).isGiven)
        for right in AccessExplanation.Right.allCases {
            #expect(try ground(right, from: home).because == reason)
        }
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try ground(.login, from: home).because == "grant 2")
        #expect(try ground(.agent, from: home).because == reason)
        // Her keys there would let her forward an agent on a jump.
        #expect(try ground(.jump, from: home).because == "\(reason), and what it gives is the account's")
        try fixture.grant(.user("alice"), .host("c1"), Rights(sudo: true), from: "192.0.2.0/24")
        #expect(
            try ground(.login, from: home).because
                == "\(reason); grant 3 does not hold from 203.0.113.7, needs 192.0.2.0/24, "
                + "and the root that it gives is the account's")
        try fixture.directory.setNetworks(try SourceNetworks("10.0.0.0/8"), of: "alice")
        #expect(
            try ground(.login, from: home).because
                == "alice may not log in from 203.0.113.7, needs 10.0.0.0/8")
    }

    /// What differs in all that decides who gets in.
    private static let rights = [
        Rights(), Rights(forwarding: .none), Rights(sudo: true), Rights(agent: true), Rights(record: true),
        .fileTransfer,
    ]
    private static let pairs = rights.indices.flatMap { one in
        rights[one...].map { (rights[one], $0) }
    }

    @Test("say what the door does, whatever is required, shown and wanted", arguments: pairs)
    func doors(_ first: Rights, _ second: Rights) throws {
        let (near, far) = ("10.0.0.0/8", "192.0.2.0/24")
        for one in FurtherFactors.ascending {
            for two in FurtherFactors.ascending {
                for (here, there) in [(near, near), (near, far), (far, near)] {
                    try fixture.grant(.user("alice"), .host("c1"), first, requiring: one, from: here)
                    try fixture.grant(.group("lab"), .all, second, requiring: two, from: there)
                    try compare(from: Origin(client: "10.0.0.1"))
                    for grant in try fixture.directory.grants() {
                        try fixture.directory.removeGrant(grant.id)
                    }
                }
            }
        }
    }

    /// Holds every ground against what the daemon asks of the directory at a login and at a jump.
    private func compare(from origin: Origin) throws {
        let explanation = try AccessExplanation(
            of: "alice", on: "c1", from: origin, at: Fixture.time, in: fixture.directory)
        for ground in explanation.grounds { #expect(ground.isGiven == !ground.ways.isEmpty) }
        for shown in FurtherFactors.ascending {
            for isJump in [false, true] {
                let entry = try fixture.directory.entry(
                    of: "alice", to: "c1", showing: shown, from: origin, isJump: isJump, at: Fixture.time)
                for ground in explanation.grounds where (ground.right == .jump) == isJump {
                    try compare(ground, with: entry, showing: shown, from: origin)
                }
            }
        }
    }

    private func compare(
        _ ground: AccessExplanation.Ground, with entry: Entry, showing shown: FurtherFactors,
        from origin: Origin
    ) throws {
        var isGiven = false
        switch entry {
        case .open(let access): isGiven = try isUsable(ground.right, access, shown, origin)
        case .lacking(let missing):
            if ground.right == .login {
                #expect(ground.ways.contains { $0.isSubset(of: shown.union(missing)) })
            }
        case .elsewhere, .closed: #expect(!ground.isGiven)
        }
        #expect(
            ground.ways.contains { $0.isSubset(of: shown) } == isGiven,
            "\(ground.right) with \(shown.text): \(ground.because)")
    }

    /// What comes of a right at a door that is open.
    private func isUsable(
        _ right: AccessExplanation.Right, _ access: Access, _ shown: FurtherFactors, _ origin: Origin
    ) throws -> Bool {
        let permissions = access.rights.permissions
        switch right {
        case .login: return true
        case .programs: return permissions.programs == .all
        case .files: return permissions.programs >= .files
        case .ports: return !permissions.forwarding.isEmpty
        case .remoteForwarding: return permissions.remoteForwarding
        case .agent: return permissions.agent
        case .sudo: return access.rights.sudo
        case .wake: return access.rights.wake
        case .record: return permissions.record
        case .jump:
            let decision = try JumpPolicy(directory: fixture.directory).decide(
                user: "alice", host: "c1", port: 22, showing: shown, from: origin, at: Fixture.time)
            if case .join = decision { return true } else { return false }
        }
    }
}
