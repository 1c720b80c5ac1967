import Directory
import Support
import Testing

@Suite("Users and groups")
struct UserTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }

    init() throws {
        fixture = try Fixture()
    }

    @Test("a user is as entered")
    func entered() throws {
        try fixture.group("lab")
        let new = NewUser(
            "alice", fullName: "Alice Ångström, PhD", shell: "/usr/bin/zsh", uid: 20_050, isAdmin: true,
            groups: ["lab"])
        let alice = try store.addUser(new, at: Timestamp(milliseconds: 5_999))
        let expected = User(
            uid: 20_050, name: "alice", fullName: "Alice Ångström, PhD", shell: "/usr/bin/zsh", isAdmin: true,
            created: Timestamp(milliseconds: 5_000))
        #expect(alice == expected)
        #expect(try store.user("alice") == alice)
        #expect(try store.findUser(uid: 20_050) == alice)
        #expect(alice.home == "/home/alice")
        #expect(try store.groups(of: "alice").map(\.name) == ["lab"])
        #expect(try store.findUser("bob") == nil)
        #expect(try store.findUser(uid: 1) == nil)
    }

    @Test(
        "names of the right form are taken",
        arguments: ["a", "_a", "a-b_c9", "abcdefghijklmnopqrstuvwxyz01234"])
    func goodNames(_ name: String) throws {
        #expect(try fixture.user(name).name == name)
    }

    @Test(
        "names of another form are refused",
        arguments: [
            "", "-a", "9a", "a b", "a.b", "a:b", "a/b", "a+b", "a@b", "Alice", "älice", "a\n", "a\u{0}", "..",
            "a$",
            "abcdefghijklmnopqrstuvwxyz012345", "'; DROP TABLE users; --",
        ])
    func badNames(_ name: String) throws {
        try fixture.refuses(.invalidName) { _ = try store.addUser(NewUser(name)) }
        try fixture.refuses(.invalidName) { _ = try store.addGroup(name) }
    }

    @Test("a name in capitals gets the right one proposed")
    func capitals() throws {
        let error = try fixture.refuses(.invalidName) { _ = try store.addUser(NewUser("Alice")) }
        #expect(error?.hint == "names are lower case: 'alice'")
    }

    @Test(
        "names of the system and of images are refused",
        arguments: [
            "root", "nobody", "ec2-user", "ubuntu", "ssm-user", "admin", "centos", "debian", "fedora", "gate",
            "sshd",
            "daemon", "www-data", "sudo", "wheel", "docker", "gatehouse", "gatehouse-session",
            "systemd-network",
        ])
    func reserved(_ name: String) throws {
        try fixture.refuses(.reservedName) { _ = try store.addUser(NewUser(name)) }
        try fixture.refuses(.reservedName) { _ = try store.addGroup(name) }
    }

    @Test("users and groups share names, and names of the past stay taken")
    func takenNames() throws {
        try fixture.user("alice")
        try fixture.group("lab")
        try fixture.user("bob")
        try fixture.group("team")
        try store.leaveUser("bob")
        try store.removeGroup("team")
        for name in ["alice", "lab", "bob", "team"] {
            try fixture.refuses(.nameTaken) { _ = try store.addUser(NewUser(name)) }
            try fixture.refuses(.nameTaken) { _ = try store.addGroup(name) }
        }
        let error = try fixture.refuses(.nameTaken) { _ = try store.addUser(NewUser("bob")) }
        #expect(error?.detail == "'bob' was the user with uid 20002, who has left")
        #expect(error?.hint?.contains("never") == true)
    }

    @Test(
        "full names and shells that would break a passwd line are refused",
        arguments: [
            NewUser("alice", fullName: "a:b"), NewUser("alice", fullName: "a\nroot::0:0"),
            NewUser("alice", fullName: String(repeating: "x", count: 257)), NewUser("alice", shell: "bash"),
            NewUser("alice", shell: ""), NewUser("alice", shell: "/"), NewUser("alice", shell: "/bin/sh\n"),
            NewUser("alice", shell: "/bin/a:b"), NewUser("alice", shell: "/../sh"),
            NewUser("alice", shell: "/bin/"),
        ])
    func badFields(_ user: NewUser) throws {
        try fixture.refuses(.invalidField) { _ = try store.addUser(user) }
    }

    @Test("a user is locked, unlocked and leaves for good")
    func states() throws {
        try fixture.group("lab")
        try fixture.user("alice", groups: ["lab"])
        try fixture.host("h1")
        try store.addKey(Fixture.key(1), to: "alice")
        try store.addGrant(.user("alice"), to: .host("h1"))
        #expect(try store.lockUser("alice").state == .locked)
        #expect(try store.lockUser("alice").state == .locked)
        #expect(try store.unlockUser("alice").state == .active)
        #expect(try store.setAdmin(true, of: "alice").isAdmin)
        #expect(try store.leaveUser("alice").state == .left)

        #expect(try store.user("alice").uid == 20_001)
        #expect(try store.keys().isEmpty)
        #expect(try store.grants().isEmpty)
        #expect(try store.members(of: "lab").isEmpty)
        for attempt: () throws -> Void in [
            { try store.lockUser("alice") }, { try store.unlockUser("alice") },
            { try store.leaveUser("alice") },
            { try store.setAdmin(false, of: "alice") }, { try store.addMembers(["alice"], to: "lab") },
            { try store.addKey(Fixture.key(1), to: "alice") },
            { try store.addGrant(.user("alice"), to: .host("h1")) },
        ] {
            try fixture.refuses(.userNotActive, attempt)
        }
    }

    @Test("memberships change all together or not at all")
    func memberships() throws {
        for name in ["alice", "bob", "carol"] { try fixture.user(name) }
        try fixture.group("lab")
        try store.addMembers(["bob", "alice"], to: "lab")
        try store.addMembers(["alice"], to: "lab")
        #expect(try store.members(of: "lab") == ["alice", "bob"])
        try fixture.refuses(.notFound) { try store.addMembers(["carol", "nobody2"], to: "lab") }
        try fixture.refuses(.notFound) { try store.removeMembers(["alice", "carol"], from: "lab") }
        #expect(try store.members(of: "lab") == ["alice", "bob"])
        try store.removeMembers(["alice"], from: "lab")
        #expect(try store.members(of: "lab") == ["bob"])
    }

    @Test("what is not there is not found")
    func notFound() throws {
        try fixture.user("alice")
        for attempt: () throws -> Void in [
            { _ = try store.user("x") }, { _ = try store.group("x") }, { _ = try store.groups(of: "x") },
            { _ = try store.members(of: "x") }, { try store.lockUser("x") }, { try store.removeGroup("x") },
            { try store.addMembers([], to: "x") }, { try store.removeMembers([], from: "x") },
            // A user's own group is not one that others join.
            { try store.addMembers(["alice"], to: "alice") }, { _ = try store.keys(of: "x") },
            { try store.addKey(Fixture.key(1), to: "x") }, { try store.removeKey("SHA256:x", of: "alice") },
        ] {
            try fixture.refuses(.notFound, attempt)
        }
    }

    @Test("every change counts, what is refused or reads does not")
    func generation() throws {
        #expect(try store.generation() == 0)
        try fixture.user("alice")
        try store.addKey(Fixture.key(1), to: "alice")
        let before = try store.generation()
        #expect(before == 2)
        try store.noteUse(ofKey: Fixture.key(1).blob)
        _ = try store.users()
        #expect(try store.generation() == before)
        try store.lockUser("alice")
        #expect(try store.generation() == before + 1)
    }
}

@Suite("Keys")
struct KeyTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }

    init() throws {
        fixture = try Fixture()
        try fixture.user("alice")
        try fixture.user("bob")
    }

    @Test("are found by their bytes, with the user")
    func find() throws {
        try store.addKey(Fixture.key(1), to: "alice", comment: "laptop", at: Fixture.time)
        try store.lockUser("alice")
        let found = try #require(try store.findKey(blob: Fixture.key(1).blob))
        #expect(found.user.name == "alice")
        #expect(found.user.state == .locked)
        #expect(
            found.key
                == UserKey(user: "alice", material: Fixture.key(1), comment: "laptop", added: Fixture.time))
        #expect(try store.findKey(blob: Fixture.key(2).blob) == nil)
        #expect(try store.findKey(blob: []) == nil)
    }

    @Test("belong to one user")
    func taken() throws {
        try store.addKey(Fixture.key(1), to: "alice")
        let other = try fixture.refuses(.keyTaken) { try store.addKey(Fixture.key(1), to: "bob") }
        #expect(other?.detail.contains("'alice'") == true)
        try fixture.refuses(.keyTaken) { try store.addKey(Fixture.key(1), to: "alice") }
        try store.removeKey(Fixture.key(1).fingerprint, of: "alice")
        try store.addKey(Fixture.key(1), to: "bob")
        try fixture.refuses(.notFound) { try store.removeKey(Fixture.key(1).fingerprint, of: "alice") }
    }

    @Test("remember when they were used")
    func lastUsed() throws {
        try store.addKey(Fixture.key(1), to: "alice")
        #expect(try store.keys(of: "alice").first?.lastUsed == nil)
        try store.noteUse(ofKey: Fixture.key(1).blob, at: Fixture.time)
        #expect(try store.keys(of: "alice").first?.lastUsed == Fixture.time)
        try store.noteUse(ofKey: [9, 9])
    }

    @Test("remember their use to the minute: a burst of logins is one change")
    func lastUsedOften() throws {
        try store.addKey(Fixture.key(1), to: "alice")
        for seconds: Int64 in [0, 1, 60, 61] {
            try store.noteUse(ofKey: Fixture.key(1).blob, at: Fixture.time + .seconds(seconds))
            let noted = try store.keys(of: "alice").first?.lastUsed
            #expect(noted == Fixture.time + .seconds(seconds < 61 ? 0 : 61))
        }
    }

    @Test("are listed for one user or for all")
    func list() throws {
        try store.addKey(Fixture.key(2), to: "bob")
        try store.addKey(Fixture.key(3), to: "alice")
        try store.addKey(Fixture.key(1), to: "alice")
        #expect(try store.keys().map(\.material) == [1, 3, 2].map(Fixture.key))
        #expect(try store.keys(of: "alice").map(\.material) == [1, 3].map(Fixture.key))
    }

    @Test(
        "that cannot be keys are refused",
        arguments: [
            KeyMaterial(type: "", blob: [1], fingerprint: Fixture.key(1).fingerprint),
            KeyMaterial(type: "ssh ed", blob: [1], fingerprint: Fixture.key(1).fingerprint),
            KeyMaterial(type: "ssh-rsa", blob: [], fingerprint: Fixture.key(1).fingerprint),
            KeyMaterial(
                type: "ssh-rsa", blob: [UInt8](repeating: 0, count: 16_385),
                fingerprint: Fixture.key(1).fingerprint),
            KeyMaterial(type: "ssh-rsa", blob: [1], fingerprint: "MD5:00"),
            KeyMaterial(type: "ssh-rsa", blob: [1], fingerprint: "SHA256:abc"),
        ])
    func invalid(_ key: KeyMaterial) throws {
        try fixture.refuses(.invalidKey) { try store.addKey(key, to: "alice") }
        try fixture.refuses(.invalidKey) { try store.addHost("h1", address: "h1", keys: [key]) }
    }

    @Test("have comments of one line", arguments: ["a\nb", "\u{1B}[2J", String(repeating: "x", count: 257)])
    func comments(_ comment: String) throws {
        try fixture.refuses(.invalidField) { try store.addKey(Fixture.key(1), to: "alice", comment: comment) }
    }
}
