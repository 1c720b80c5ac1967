import Accounts
import Authorization
import Directory
import Support
import Testing

@Suite("the wanted state of a host")
struct DesiredStateTests {
    @Test("has the users with a grant, the groups they are in, and nobody else")
    func holders() throws {
        let fixture = try Fixture()
        #expect(try fixture.state().users.isEmpty)
        try fixture.grant()
        let state = try fixture.state()
        #expect(state.users.map(\.name) == ["alice", "bob"])
        #expect(state.users.map(\.uid) == (try ["alice", "bob"].map { try fixture.directory.user($0).uid }))
        #expect(state.users.map(\.shell) == ["/bin/bash", "/bin/zsh"])
        #expect(state.users.map(\.home) == ["/home/alice", "/home/bob"])
        #expect(state.groups.map(\.name) == ["lab"])
        #expect(state.groups.map(\.members) == [["alice", "bob"]])
        #expect(state.generation == (try fixture.directory.generation()))
    }

    @Test("loses who is locked, who has left, and whose grant has ended")
    func formerHolders() throws {
        let fixture = try Fixture()
        let end = Fixture.time + .seconds(60)
        try fixture.grant(until: end)
        try fixture.directory.lockUser("alice")
        #expect(try fixture.state().users.map(\.name) == ["bob"])
        #expect(try fixture.state().groups.map(\.members) == [["bob"]])
        #expect(try fixture.state(at: end).users.isEmpty)
        try fixture.directory.leaveUser("bob")
        #expect(try fixture.state().users.isEmpty)
    }

    @Test("carries the keys for jumps, with what the grant does not permit")
    func keys() throws {
        let fixture = try Fixture()
        try fixture.grant()
        #expect(try fixture.state().users[0].keys == ["ssh-ed25519 AAAAAQ== alice@laptop"])
        #expect(try fixture.state().users[0].restrictions == [])
        #expect(try fixture.state().users[1].keys == [])

        let narrow = try Fixture()
        try narrow.grant(Rights(forwarding: .none))
        let restrictions = try narrow.state().users[0].restrictions
        #expect(restrictions == ["no-port-forwarding", "no-agent-forwarding"])
    }

    @Test("holds a jump to what the grant permits that permits it")
    func severalGrants() throws {
        let fixture = try Fixture()
        try fixture.grant(Rights(forwarding: .none))
        try fixture.grant(Rights(forwarding: PortSet([8_888...8_888]), agent: true))
        let alice = try fixture.state().users[0]
        #expect(alice.keys.count == 1)
        #expect(alice.restrictions == ["no-port-forwarding", "no-agent-forwarding"])
    }

    @Test(
        "carries no keys of users who may not jump",
        arguments: [
            Rights(record: true), .fileTransfer, Rights(programs: .none),
            Rights(forwarding: PortSet([8_888...8_888])), Rights(remoteForwarding: false),
        ])
    func noJump(_ rights: Rights) throws {
        let fixture = try Fixture()
        try fixture.grant(rights)
        #expect(try fixture.state().users[0].keys == [])
    }

    @Test("has the members that the step checks for, in schema 1")
    func encoding() throws {
        let fixture = try Fixture()
        try fixture.grant(Rights(sudo: true, agent: true))
        let text = String(decoding: try fixture.state().encoded(), as: UTF8.self)
        for member in [
            #""schema":1"#, #""accept_env":["LANG","LC_*"]"#, #""range":[20000,59999]"#,
            #""certificate_authority":"ssh-ed25519 AAAA gatehouse-user-ca""#, #""full_name":"Alice A.""#,
            #""gid":20001"#, #""sudo":true"#, #""members":["alice","bob"]"#,
        ] {
            #expect(text.contains(member), "\(text)")
        }
    }

    @Test("who is locked or has left is named, and their keys are refused, also keys that were taken away")
    func departed() throws {
        let fixture = try Fixture()
        try fixture.grant()
        #expect(try fixture.state().departed == [])
        #expect(try fixture.state().revokedKeys == [])
        try fixture.directory.addKey(Fixture.key(2), to: "bob", at: Fixture.time)
        try fixture.directory.addKey(Fixture.key(3), to: "carol", at: Fixture.time)
        try fixture.directory.lockUser("alice")
        try fixture.directory.leaveUser("bob")
        try fixture.directory.removeKey(Fixture.key(3).fingerprint, of: "carol")
        let state = try fixture.state()
        #expect(state.departed == ["alice", "bob"])
        #expect(
            state.revokedKeys == ["ssh-ed25519 AAAAAQ==", "ssh-ed25519 AAAAAg==", "ssh-ed25519 AAAAAw=="])
        // A key that somebody has again, and keys of who is back, open again.
        try fixture.directory.addKey(Fixture.key(3), to: "carol", at: Fixture.time)
        try fixture.directory.unlockUser("alice")
        #expect(try fixture.state().revokedKeys == ["ssh-ed25519 AAAAAg=="])
    }
}
