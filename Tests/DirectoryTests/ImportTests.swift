import Authorization
import Directory
import Support
import Testing

@Suite("Export and import")
struct ImportTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }

    init() throws {
        fixture = try Fixture()
    }

    /// Something of everything, also of what is gone.
    private func fill() throws {
        try fixture.group("lab")
        try fixture.group("old")
        let alice = NewUser(
            "alice", fullName: "Alice \"Å\" / \\", shell: "/bin/zsh", isAdmin: true, groups: ["lab"])
        _ = try store.addUser(alice, at: Fixture.time)
        try fixture.user("bob", groups: ["lab"])
        try fixture.user("carol")
        try fixture.user("dora", groups: ["old"])
        try store.addKey(Fixture.key(1), to: "alice", comment: "laptop", at: Fixture.time)
        try store.noteUse(ofKey: Fixture.key(1).blob, at: Fixture.time + .seconds(5))
        try store.addKey(Fixture.key(2), to: "bob", at: Fixture.time)
        try fixture.host("h1", [Fixture.key(11), Fixture.key(12)])
        try store.addHost(
            "h2", address: "10.0.0.1", keys: [Fixture.key(200)],
            instance: HostInstance(
                id: "i-0123456789abcdef0", region: "eu-central-1", state: .shuttingDown,
                lastSeen: Fixture.time,
                platform: "Amazon Linux 2023", taggedPool: "communal"), accounts: .ssh, at: Fixture.time)
        try store.setHostState(.disabled, of: "h2")
        try store.addPool("communal", at: Fixture.time)
        try store.join(["h1", "h2"], to: "communal")
        try store.addGrant(
            .group("lab"), to: .pool("communal"),
            Rights(sudo: true, forwarding: .none, agent: true, record: true),
            at: Fixture.time)
        try store.addGrant(
            .user("bob"), to: .all,
            Rights(
                programs: .files, forwarding: try #require(PortSet("80,8000-8010")), remoteForwarding: true),
            period: GrantPeriod(
                from: Fixture.time + .seconds(3), until: Fixture.time + .seconds(9),
                hours: try WeeklyHours(days: "sat-mon", hours: "22:00-06:00", zone: "-05:30")),
            at: Fixture.time)
        try store.addGrant(.user("bob"), to: .host("h1"), at: Fixture.time)
        try store.removeGrant(3)
        try store.lockUser("carol")
        try store.leaveUser("dora")
        try store.removeGroup("old", at: Fixture.time + .seconds(77))
        _ = try store.addGroup("highest", gid: 20_090, at: Fixture.time)
    }

    @Test("give an empty directory exactly the same contents")
    func roundTrip() throws {
        try fill()
        let json = try store.exportJSON()
        let copy = try Fixture()
        try copy.store.importJSON(json)
        #expect(
            String(decoding: try copy.store.exportJSON(), as: UTF8.self)
                == String(decoding: json, as: UTF8.self))
        #expect(try copy.store.users() == store.users())
        #expect(try copy.store.hosts() == store.hosts())
        #expect(try copy.store.grants() == store.grants())
        #expect(try copy.store.keys() == store.keys())
        // What comes next is the same too: marks and tombstones came along.
        for directory in [store, copy.store] {
            #expect(try directory.addUser(NewUser("emil")).uid == 20_006)
            #expect(try directory.addGrant(.user("emil"), to: .host("h1")).id == 4)
            #expect(
                #expect(throws: DirectoryError.self) { try directory.addUser(NewUser("dora")) }?.code
                    == .nameTaken)
            #expect(
                #expect(throws: DirectoryError.self) { try directory.addGroup("old") }?.code == .nameTaken)
        }
    }

    @Test("have a schema number, sorted keys and an end of line")
    func form() throws {
        try fixture.user("alice")
        let text = String(decoding: try store.exportJSON(), as: UTF8.self)
        #expect(text.hasPrefix("{\n"))
        #expect(text.hasSuffix("}\n"))
        #expect(text.contains("\"schema\" : 1"))
        #expect(text.contains("\"created\" : \"2023-11-14T22:13:20Z\""))
        let order = [
            "\"grants\"", "\"groups\"", "\"hosts\"", "\"marks\"", "\"pools\"", "\"schema\"", "\"users\"",
        ]
        let places = try order.map { word in try #require(text.firstRange(of: word)?.lowerBound) }
        #expect(places == places.sorted())
    }

    @Test(
        "are refused by programs that would read more into a grant than it gives",
        arguments: [
            (Rights(), GrantPeriod.always, GrantTarget.host("h1"), 1),
            (Rights(sudo: true, forwarding: .none, agent: true, record: true), .always, .host("h1"), 1),
            (Rights(), GrantPeriod(until: Fixture.time + .seconds(9)), .host("h1"), 1),
            (Rights(), GrantPeriod(from: Fixture.time), .host("h1"), 2),
            (Rights(programs: .files, forwarding: .none), .always, .host("h1"), 2),
            (Rights(programs: .none), .always, .host("h1"), 2),
            (Rights(forwarding: PortSet([80...80])), .always, .host("h1"), 2),
            (Rights(remoteForwarding: false), .always, .host("h1"), 2),
            (Rights(forwarding: .none, remoteForwarding: true), .always, .host("h1"), 2),
            (Rights(), .always, .all, 2),
        ])
    func schema(_ rights: Rights, _ period: GrantPeriod, _ target: GrantTarget, _ schema: Int) throws {
        try fixture.user("alice")
        try fixture.host("h1")
        try store.addGrant(.user("alice"), to: target, rights, period: period, at: Fixture.time)
        let json = try store.exportJSON()
        #expect(String(decoding: json, as: UTF8.self).contains("\"schema\" : \(schema)"))
        let other = try Fixture()
        try other.store.importJSON(json)
        #expect(try other.store.grants() == store.grants())
    }

    @Test("of hours have the second schema")
    func schemaOfHours() throws {
        try fixture.user("alice")
        let hours = try WeeklyHours(days: "mon-fri", hours: nil, zone: nil)
        try fixture.host("h1")
        try store.addGrant(
            .user("alice"), to: .host("h1"), period: GrantPeriod(hours: hours), at: Fixture.time)
        #expect(String(decoding: try store.exportJSON(), as: UTF8.self).contains("\"schema\" : 2"))
    }

    @Test("of the same thing twice changes nothing")
    func idempotent() throws {
        try fill()
        let json = try store.exportJSON()
        try store.importJSON(json)
        #expect(try store.exportJSON() == json)
    }

    private func document(_ body: String) -> [UInt8] { Array("{\"schema\": 1, \(body)}".utf8) }

    @Test("adds to a directory with contents what it has not")
    func additive() throws {
        try fill()
        let k = Fixture.key(40)
        let mark = Fixture.key(1)
        try store.importJSON(
            document(
                """
                "users": [
                  {"uid": 20002, "name": "alice",
                   "keys": [{"type": "\(k.type)", "blob": "AAAAKA==", "fingerprint": "\(k.fingerprint)"},
                            {"type": "\(mark.type)", "blob": "AAAAAQ==", "fingerprint": "\(mark.fingerprint)"}]},
                  {"uid": 20050, "name": "frida"}],
                "groups": [{"gid": 20000, "name": "lab", "members": ["frida", "alice"]}],
                "hosts": [{"name": "h3", "address": "h3"}],
                "pools": [{"name": "communal", "hosts": ["h3"]}],
                "grants": [{"id": 1, "user": "frida", "pool": "communal"},
                           {"id": 77, "group": "lab", "pool": "communal",
                            "sudo": true, "forwarding": false, "agent": true, "record": true}]
                """), at: Fixture.time)
        #expect(try store.keys(of: "alice").count == 2)
        #expect(try store.user("frida").uid == 20_050)
        #expect(try store.user("frida").shell == "/bin/bash")
        #expect(try store.members(of: "lab") == ["alice", "bob", "frida"])
        #expect(try store.pool("communal").hosts == ["h1", "h2", "h3"])
        #expect(try store.host("h3").port == 22)
        // The grant that is known by its contents is not doubled; the new one gets an id of this directory.
        #expect(try store.grants().map(\.id) == [1, 2, 4])
        #expect(try store.user("alice").fullName == "Alice \"Å\" / \\")
    }

    private static let key = Fixture.key(40)
    private static let keyJSON = "\"type\": \"ssh-ed25519\", \"fingerprint\": \"\(key.fingerprint)\""

    @Test(
        "refuse, naming the entry, what the rules or the directory speak against",
        arguments: [
            (
                #""users": [{"uid": 20050, "name": "frida"}, {"uid": 20051, "name": "Bad"}]"#, "invalidName",
                "users[1] 'Bad'"
            ),
            (#""users": [{"uid": 20050, "name": "root"}]"#, "reservedName", "users[0] 'root'"),
            (#""users": [{"uid": 0, "name": "frida"}]"#, "outOfRange", "users[0] 'frida'"),
            (#""users": [{"uid": -1, "name": "frida"}]"#, "outOfRange", "users[0] 'frida'"),
            (#""users": [{"uid": 4294967296, "name": "frida"}]"#, "outOfRange", "users[0] 'frida'"),
            (#""groups": [{"gid": 4294967296, "name": "team"}]"#, "outOfRange", "groups[0] 'team'"),
            (#""hosts": [{"name": "h9", "address": "x", "port": 65536}]"#, "invalidAddress", "hosts[0] 'h9'"),
            (#""users": [{"uid": 20002, "name": "frida"}]"#, "uidTaken", "users[0]"),
            (#""users": [{"uid": 20002, "name": "alice", "shell": "/bin/sh"}]"#, "conflict", "shell"),
            (#""users": [{"uid": 20099, "name": "alice"}]"#, "conflict", "uid is '20002'"),
            (#""users": [{"uid": 20002, "name": "alice", "admin": false}]"#, "conflict", "admin"),
            (#""users": [{"uid": 20002, "name": "alice", "state": "locked"}]"#, "conflict", "state"),
            (#""users": [{"uid": 20005, "name": "dora", "state": "active"}]"#, "conflict", "state"),
            (#""users": [{"uid": 20050, "name": "frida", "state": "away"}]"#, "invalidField", "state"),
            (
                #""users": [{"uid": 20050, "name": "frida", "created": "yesterday"}]"#, "invalidField",
                "created"
            ),
            (#""users": [{"uid": 20050, "name": "frida", "shell": "sh"}]"#, "invalidField", "shell"),
            (#""users": [{"uid": 20050, "name": "old"}]"#, "nameTaken", "users[0]"),
            (
                #""users": [{"uid": 20050, "name": "frida", "keys": [{"blob": "AAAAAQ==", \#(keyJSON)}]}]"#,
                "keyTaken",
                "users[0] 'frida': keys[0]"
            ),
            (
                #""users": [{"uid": 20050, "name": "frida", "state": "left", "keys": [{"blob": "AAAAKA==", \#(keyJSON)}]}]"#,
                "userNotActive", "frida"
            ),
            (
                #""users": [{"uid": 20002, "name": "alice", "keys": [{"blob": "AAAAAQ==", \#(keyJSON)}]}]"#,
                "conflict", "fingerprint"
            ),
            (
                #""users": [{"uid": 20050, "name": "frida", "keys": [{"blob": "", \#(keyJSON)}]}]"#,
                "invalidKey", "frida"
            ),
            (#""groups": [{"gid": 20099, "name": "lab"}]"#, "conflict", "groups[0] 'lab'"),
            (#""groups": [{"gid": 20000, "name": "lab", "removed": "2026-01-01"}]"#, "conflict", "lab"),
            (#""groups": [{"gid": 20001, "name": "old"}]"#, "nameTaken", "old"),
            (#""groups": [{"gid": 20002, "name": "team"}]"#, "gidTaken", "team"),
            (
                #""groups": [{"gid": 20050, "name": "team", "members": ["nobody2"]}]"#, "notFound",
                "groups[0] 'team'"
            ),
            (#""groups": [{"gid": 20000, "name": "lab", "members": ["dora"]}]"#, "userNotActive", "lab"),
            (#""hosts": [{"name": "h1", "address": "elsewhere"}]"#, "conflict", "address"),
            (#""hosts": [{"name": "h1", "address": "10.0.0.1", "keys": []}]"#, "conflict", "keys"),
            (#""hosts": [{"name": "h1", "address": "10.0.0.1", "accounts": "ssm"}]"#, "conflict", "accounts"),
            (
                #""hosts": [{"name": "h2", "address": "10.0.0.1", "instance": {"id": "i-01234567"}}]"#,
                "conflict", "instance is 'i-0123456789abcdef0'"
            ),
            (
                #""hosts": [{"name": "h9", "address": "x", "instance": {"id": "i-0123456789abcdef0"}}]"#,
                "nameTaken", "hosts[0] 'h9'"
            ),
            (#""hosts": [{"name": "h9", "address": "x", "instance": {"id": "x"}}]"#, "invalidInstance", "h9"),
            (#""hosts": [{"name": "h9", "address": "x", "accounts": "magic"}]"#, "invalidField", "accounts"),
            (#""hosts": [{"name": "h9", "address": "x", "transport": "ufo"}]"#, "invalidField", "transport"),
            (
                #""hosts": [{"name": "h1", "address": "10.0.0.1", "transport": "ssm"}]"#, "conflict",
                "transport"
            ),
            (
                #""hosts": [{"name": "h9", "address": "x", "instance": {"id": "i-01234567", "state": "odd"}}]"#,
                "invalidField", "instance.state"
            ),
            (#""hosts": [{"name": "gate", "address": "x"}]"#, "reservedName", "hosts[0]"),
            (#""hosts": [{"name": "h9", "address": "-x"}]"#, "invalidAddress", "h9"),
            (#""hosts": [{"name": "h9", "address": "x", "port": 0}]"#, "invalidAddress", "h9"),
            (#""hosts": [{"name": "communal", "address": "x"}]"#, "nameTaken", "communal"),
            (#""pools": [{"name": "h1"}]"#, "nameTaken", "pools[0]"),
            (#""pools": [{"name": "communal", "hosts": ["h9"]}]"#, "notFound", "communal"),
            (#""grants": [{"user": "alice"}]"#, "invalidField", "grants[0]"),
            (#""grants": [{"user": "alice", "group": "lab", "host": "h1"}]"#, "invalidField", "grants[0]"),
            (#""grants": [{"user": "alice", "host": "h9"}]"#, "notFound", "h9"),
            (#""grants": [{"user": "alice", "host": "h1", "until": "soon"}]"#, "invalidField", "until"),
            (#""marks": {"number": 99999999, "grant": 0}"#, "outOfRange", "marks"),
            (#""marks": {"number": -1, "grant": 0}"#, "outOfRange", "marks"),
        ])
    func refused(_ body: String, _ code: String, _ words: String) throws {
        try fill()
        let code = try #require(DirectoryError.Code(rawValue: code))
        // The first entry is fine, and must not stay.
        let lead = body.hasPrefix("\"pools\"") ? "" : #""pools": [{"name": "fine"}], "#
        let json = document(lead + body)
        let error = try fixture.refuses(code) { try store.importJSON(json) }
        #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
    }

    @Test(
        "refuse what is no directory",
        arguments: [
            ("", "not a JSON document"), ("[]", "the document"), ("{}", "'schema' is missing"),
            ("nonsense", "JSON"),
            (#"{"schema": 5}"#, "schema is 5"), (#"{"schema": 0}"#, "schema is 0"),
            (#"{"schema": "1"}"#, "schema"),
            (#"{"schema": 1, "users": 5}"#, "users"),
            (#"{"schema": 1, "users": [{"name": "a"}]}"#, "users[0]: 'uid' is missing"),
            (#"{"schema": 1, "users": [{"uid": 1.5, "name": "a"}]}"#, "number"),
            (#"{"schema": 1, "users": [{"uid": 1e400, "name": "a"}]}"#, "number"),
            (#"{"schema": 1, "users": [{"uid": 9223372036854775808, "name": "a"}]}"#, "number"),
            (
                #"{"schema": 1, "users": [{"uid": 1, "name": "a", "keys": [{"type": "t", "blob": "%", "fingerprint": ""}]}]}"#,
                "users[0].keys[0].blob"
            ),
            (String(repeating: "[", count: 100_000), "JSON"),
            (#"{"schema": 1, "users": "# + String(repeating: "[", count: 5_000), "JSON"),
        ])
    func hostile(_ text: String, _ words: String) throws {
        try fixture.user("alice")
        let error = try fixture.refuses(.invalidDocument) { try store.importJSON(Array(text.utf8)) }
        #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
    }

    @Test("refuse bytes that are not text, and two grants of one id")
    func oddDocuments() throws {
        try fixture.refuses(.invalidDocument) { try store.importJSON([0xFF, 0xFE, 0, 1, 2]) }
        let twice = document(
            """
            "users": [{"uid": 20000, "name": "alice"}], "hosts": [{"name": "h1", "address": "h1"}],
            "grants": [{"id": 5, "user": "alice", "host": "h1"}, {"id": 5, "user": "alice", "host": "h1"}]
            """)
        try fixture.refuses(.conflict) { try store.importJSON(twice) }
        let negative = document(
            """
            "users": [{"uid": 20000, "name": "alice"}], "hosts": [{"name": "h1", "address": "h1"}],
            "grants": [{"id": -5, "user": "alice", "host": "h1"}]
            """)
        try fixture.refuses(.invalidField) { try store.importJSON(negative) }
    }

    @Test("let the caller look into each key first")
    func checkKeys() throws {
        struct Odd: Error {}
        try fill()
        let json = try store.exportJSON()
        let copy = try Fixture()
        let error = try copy.refuses(.invalidKey) {
            try copy.store.importJSON(json) { key in if key == Fixture.key(12) { throw Odd() } }
        }
        #expect(error?.detail.hasPrefix("hosts[0].keys[1]") == true)
    }
}
