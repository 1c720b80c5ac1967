import Authorization
import Directory
import Routing
import Support
import Testing

@Suite("jumps")
struct JumpPolicyTests {
    private let fixture: Fixture
    private let policy: JumpPolicy

    init() throws {
        fixture = try Fixture()
        policy = JumpPolicy(directory: fixture.directory)
    }

    /// The host's name, `forward`, or the sentence of the refusal.
    private func decide(
        _ host: String, _ port: UInt32, user: String = "alice", showing shown: FurtherFactors = [],
        from origin: Origin = .anywhere
    ) throws -> String {
        let decision = try policy.decide(
            user: user, host: host, port: port, showing: shown, from: origin, at: Fixture.time)
        return switch decision {
        case .join(let access): access.host.name
        case .joinSome(let pool): "\(pool.name) of \(pool.members.map(\.host.name).joined(separator: " "))"
        case .notAJump: "forward"
        case .refused(let sentence): sentence
        }
    }

    @Test(
        "a host is joined by name with its port or the usual one, by address with its port",
        arguments: [
            ("c1", 22, "c1"), ("C1", 22, "c1"), ("c1.", 22, "c1"), ("10.0.0.1", 22, "c1"),
            ("c2", 2_022, "c2"), ("c2", 22, "c2"), ("10.0.0.2", 2_022, "c2"),
        ])
    func join(host: String, port: UInt32, expected: String) throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try decide(host, port) == expected)
    }

    @Test("an IPv6 address is one address however it is written", arguments: ["fd00::1", "FD00:0:0::0001"])
    func version6(_ address: String) throws {
        try fixture.directory.setHostAddress("fd00:0::1", port: 22, of: "c1")
        try fixture.grant(.user("alice"), .host("c1"))
        #expect(try decide(address, 22) == "c1")
    }

    @Test(
        "at the port of an sshd, what is unknown or not granted is refused with one sentence",
        arguments: [
            ("c3", 22), ("nowhere", 22), ("10.0.0.3", 22), ("localhost", 22), ("127.0.0.1", 2_022),
            ("10.0.0.2", 22), ("c1", 2_022), ("", 22), ("gate", 22),
        ])
    func refused(host: String, port: UInt32) throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try decide(host, port) == "There is no host '\(host)' that you may reach.")
    }

    @Test("who is locked or unknown reaches nothing", arguments: ["bob", "nobody"])
    func nobody(_ user: String) throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        try fixture.directory.lockUser("bob")
        #expect(try decide("c1", 22, user: user) == "There is no host 'c1' that you may reach.")
    }

    @Test(
        "any other port is an ordinary forward",
        arguments: [("localhost", 8_888), ("c1", 8_888), ("c1", 0), ("c1", 65_536), ("c1", UInt32.max)])
    func forward(host: String, port: UInt32) throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try decide(host, port) == "forward")
    }

    @Test("a pool is joined by its name, as far as its hosts are granted and not recorded")
    func pool() throws {
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try decide("communal", 22) == "communal of c1 c2")
        #expect(try decide("Communal.", 22) == "communal of c1 c2")
        #expect(try decide("communal", 2_022) == "There is no host 'communal' that you may reach.")
        try fixture.grant(.user("alice"), .host("c1"), Rights(record: true))
        #expect(try decide("communal", 22) == "communal of c2")
        try fixture.grant(.user("alice"), .host("c2"), Rights(record: true))
        #expect(try decide("communal", 22) == "There is no host 'communal' that you may reach.")
    }

    @Test("a grant that demands recording forbids the jump and names the other way")
    func recording() throws {
        try fixture.grant(.user("alice"), .host("c1"), Rights(record: true))
        let sentence = try decide("c1", 22)
        #expect(sentence.contains("alice+c1"))
        #expect(sentence.contains("recorded"))
    }

    @Test(
        "a grant that the host's sshd cannot hold a jump to forbids it",
        arguments: [
            (Rights.fileTransfer, "transfer files"), (Rights(programs: .none), "forward ports"),
            (Rights(forwarding: PortSet([8_888...8_888])), "some ports"),
            (Rights(remoteForwarding: false), "some ports"),
            (Rights(forwarding: .none, remoteForwarding: true), "some ports"),
        ])
    func narrow(_ rights: Rights, _ words: String) throws {
        try fixture.grant(.user("alice"), .host("c1"), rights)
        let sentence = try decide("c1", 22)
        #expect(sentence.contains("alice+c1"))
        #expect(sentence.contains(words))
        // Another grant that permits everything is not weakened by it.
        try fixture.grant(.group("lab"), .pool("communal"))
        #expect(try decide("c1", 22) == "c1")
    }

    @Test("what one grant permits of jumps another one does not take away by permitting something else")
    func notWeakened() throws {
        try fixture.grant(.user("alice"), .host("c1"), Rights(forwarding: .none))
        try fixture.grant(
            .group("lab"), .pool("communal"), Rights(programs: .none, forwarding: PortSet([8_888...8_888])))
        #expect(try decide("c1", 22) == "c1")
        try fixture.grant(
            .user("alice"), .host("c1"), Rights(programs: .files, forwarding: .none, record: true))
        #expect(try decide("c1", 22).contains("recorded"))
    }

    @Test("a jump is possible without forwarding and agent: the host's sshd sees to that")
    func heldToByHost() throws {
        try fixture.grant(.user("alice"), .host("c1"), Rights(forwarding: .none))
        #expect(try decide("c1", 22) == "c1")
    }

    @Test("no jump leads to a host that is down, and only who may reach it learns that")
    func down() throws {
        try fixture.grant(.user("alice"), .host("c1"))
        try fixture.setInstance(.stopped, of: "c1")
        #expect(try decide("c1", 22) == "c1 is stopped. Ask your administrator to start it.")
        #expect(try decide("10.0.0.1", 22) == "c1 is stopped. Ask your administrator to start it.")
        #expect(try decide("c1", 22, user: "bob") == "There is no host 'c1' that you may reach.")
    }

    @Test("the guarded ports are those of the hosts and the usual one")
    func guardedPorts() throws {
        #expect(try policy.guardedPorts() == [22, 2_022])
        for host in ["c1", "c2", "c3"] { try fixture.directory.removeHost(host) }
        #expect(try policy.guardedPorts() == [22])
    }

    @Test("through a host nobody comes back to the gateway itself")
    func doors() throws {
        try fixture.grant(.user("alice"), .host("c1"))
        let policy = JumpPolicy(directory: fixture.directory, doors: [2_222, 22])
        #expect(try policy.guardedPorts() == [22, 2_022, 2_222])
        for host in ["gateway", "10.0.0.200", "c1"] {
            let decision = try policy.decide(
                user: "alice", host: host, port: 2_222, showing: [], from: .anywhere, at: Fixture.time)
            #expect(decision == .refused("There is no host '\(host)' that you may reach."))
        }
        #expect(try decide("gateway", 2_222) == "forward")
    }

    @Test("what a jump needs has to be shown at the login, with a sentence that says how")
    func requirement() throws {
        try fixture.grant(.user("alice"), .host("c3"), requiring: .code)
        let sentence =
            "c3 requires a one-time code, which this login has not shown. "
            + "Log in as alice+c3 to be asked for that; to jump there: ssh -J alice+c3@GATEWAY c3"
        #expect(try decide("c3", 22) == sentence)
        #expect(try decide("10.0.0.3", 22, showing: .pam) == sentence)
        #expect(try decide("c3", 22, showing: .code) == "c3")
        #expect(try decide("c3", 22, user: "bob") == "There is no host 'c3' that you may reach.")
        try fixture.grant(.user("alice"), .pool("communal"), requiring: .pam)
        #expect(try decide("communal", 22).hasPrefix("communal requires a password, "))
        #expect(try decide("communal", 22, showing: .pam) == "communal of c1 c2")
        // The account's keys would let her forward an agent without a code.
        try fixture.grant(.user("alice"), .host("c1"), Rights(agent: true), requiring: .code)
        #expect(try decide("communal", 22, showing: .pam) == "communal of c2")
        // No login to c1 asks for the code, so it would not help to name it.
        #expect(
            try decide("c1", 22, showing: .pam)
                == "Jumps to c1 require a one-time code, which this login has not shown, "
                + "and no login there is asked for that. Log in as alice+c1 instead.")
        #expect(try decide("c1", 22).hasPrefix("c1 requires a one-time code, which"))
        #expect(try decide("communal", 22, showing: .all) == "communal of c1 c2")
        try fixture.grant(.user("alice"), .host("c2"), Rights(agent: true), requiring: .code)
        #expect(try decide("communal", 22, showing: .pam).hasPrefix("Jumps to communal require a one-time"))
    }
}
