import Authorization
import Directory
import Support
import Testing

@Suite("From where grants hold")
struct NetworkTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }
    private let now = Fixture.time

    init() throws {
        fixture = try Fixture()
        try fixture.user("alice")
        try fixture.host("h1")
    }

    /// A grant: what it gives, what it requires and from where it holds.
    struct Given: Sendable {
        var rights = Rights()
        var required: FurtherFactors = []
        var networks = ""
    }

    private static let near = "10.0.0.1"
    private static let mapped = "::ffff:10.0.0.1"
    private static let far = "192.0.2.1"
    private static let six = "2001:db8::1"
    private static let nowhere = "a name"

    private static let plain = Given()
    private static let office = Given(networks: "10.0.0.0/8")
    private static let both = Given(networks: "10.0.0.0/8,2001:db8::/32")
    private static let elsewhere = Given(networks: "203.0.113.0/24")
    private static let coded = Given(required: .code, networks: "10.0.0.0/8")
    private static let agent = Given(rights: Rights(agent: true), networks: "10.0.0.0/8")
    private static let root = Given(rights: Rights(sudo: true), networks: "10.0.0.0/8")
    private static let codedRoot = Given(rights: Rights(sudo: true), required: .code, networks: "10.0.0.0/8")
    private static let taped = Given(rights: Rights(record: true), networks: "10.0.0.0/8")

    /// What is granted, from where the client comes, what was shown, whether for a jump, and what comes of it: the grants that count,
    /// what is missing, or that it is the wrong place.
    private static let table: [([Given], String, FurtherFactors, Bool, String)] = [
        ([], near, [], false, "closed"),
        ([plain], near, [], false, "1"), ([plain], nowhere, [], false, "1"),
        ([office], near, [], false, "1"), ([office], near, [], true, "1"),
        ([office], mapped, [], false, "1"), ([office], mapped, [], true, "1"),
        ([office], far, [], false, "elsewhere"), ([office], far, .all, true, "elsewhere"),
        ([office], six, [], false, "elsewhere"), ([office], nowhere, [], false, "elsewhere"),
        ([both], six, [], false, "1"), ([both], near, [], false, "1"), ([both], far, [], false, "elsewhere"),
        ([office, elsewhere], near, [], false, "1"), ([office, elsewhere], far, [], false, "elsewhere"),
        // Each gives what it permits from where it holds.
        ([office, plain], near, [], false, "1 2"), ([office, plain], far, [], false, "2"),
        ([agent, plain], near, [], false, "1 2"), ([agent, plain], far, [], false, "2"),
        // Somewhere else nothing is asked for that would be of no use.
        ([coded], near, [], false, "totp"), ([coded], near, .code, false, "1"),
        ([coded], far, [], false, "elsewhere"), ([coded], far, .code, false, "elsewhere"),
        ([coded, plain], far, [], false, "2"), ([coded, plain], near, [], false, "2"),
        ([coded, plain], near, .code, false, "1 2"),
        // Root is the account's: nobody is there from a network where it is not given.
        ([root, plain], near, [], false, "1 2"), ([root, plain], far, [], false, "elsewhere"),
        ([codedRoot, plain], near, [], false, "totp"), ([codedRoot, plain], near, .code, false, "1 2"),
        ([codedRoot, plain], far, .code, false, "elsewhere"),
        // So is what sshd lets people do on a jump.
        ([agent, plain], near, [], true, "1 2"), ([agent, plain], far, [], true, "elsewhere"),
        ([office, plain], far, [], true, "2"),
        // A recording is a duty, which nobody escapes by coming from elsewhere.
        ([taped, plain], near, [], false, "1 2"), ([taped, plain], far, [], false, "2"),
    ]

    @Test("is where it counts, and nowhere else", arguments: table.indices)
    func entry(_ index: Int) throws {
        let (grants, address, shown, isJump, expected) = Self.table[index]
        for grant in grants {
            try store.addGrant(
                .user("alice"), to: .host("h1"), grant.rights, requiring: grant.required,
                from: SourceNetworks(stored: grant.networks), at: now)
        }
        let origin = Origin(client: address)
        let entry = try store.entry(
            of: "alice", to: "h1", showing: shown, from: origin, isJump: isJump, at: now)
        let found =
            switch entry {
            case .open(let access): access.grants.map(String.init).joined(separator: " ")
            case .lacking(let factors): factors.text
            case .elsewhere: "elsewhere"
            case .closed: "closed"
            }
        #expect(found == expected)
        if case .open(let access) = entry, grants.contains(where: \.rights.record) {
            #expect(access.rights.record)
        }
        // Accounts, and all that is asked about nobody in particular, do not depend on it.
        #expect(try (store.accountHolder("alice", on: "h1", at: now) == nil) == grants.isEmpty)
        #expect(try store.reachableHosts(of: "alice", at: now).isEmpty == grants.isEmpty)
        let isThere = try !store.reachableHosts(of: "alice", at: now, from: origin).isEmpty
        if !isJump { #expect(isThere == !["elsewhere", "closed"].contains(found)) }
    }

    @Test("is also where the user may log in, for everything")
    func user() throws {
        try store.addGrant(.user("alice"), to: .host("h1"), at: now)
        let user = try store.setNetworks(try SourceNetworks("10.0.0.0/8"), of: "alice")
        #expect(user.networks.text == "10.0.0.0/8")
        let (near, far) = (Origin(client: Self.near), Origin(client: Self.far))
        #expect(try store.entry(of: "alice", to: "h1", showing: [], from: far, at: now) == .elsewhere)
        #expect(try store.access(of: "alice", to: "h1", at: now, from: far) == nil)
        #expect(try store.access(of: "alice", to: "h1", at: now, from: near) != nil)
        #expect(try store.setNetworks(.anywhere, of: "alice").networks == .anywhere)
        #expect(try store.access(of: "alice", to: "h1", at: now, from: far) != nil)
        try store.leaveUser("alice")
        try fixture.refuses(.userNotActive) { try store.setNetworks(.anywhere, of: "alice") }
    }

    @Test("is kept, exported in a schema of its own, and read again")
    func export() throws {
        let networks = try SourceNetworks("10.0.0.0/8,2001:db8::/32")
        let grant = try store.addGrant(.user("alice"), to: .host("h1"), from: networks, at: now)
        #expect(try store.grant(grant.id).networks == networks)
        _ = try store.addUser(NewUser("bob", networks: networks), at: now)
        let json = try store.exportJSON()
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains("\"schema\" : 4"))
        let other = try Fixture()
        try other.store.importJSON(json, at: now)
        #expect(try other.store.grants() == [grant])
        #expect(try other.store.users() == store.users())
        // A second time nothing is new; the same grant for all networks is another one.
        try other.store.importJSON(json, at: now)
        #expect(try other.store.grants() == [grant])
        // One of them is enough for the schema.
        try store.removeGrant(grant.id)
        #expect(String(decoding: try store.exportJSON(), as: UTF8.self).contains("\"schema\" : 4"))
        try store.setNetworks(.anywhere, of: "bob")
        #expect(String(decoding: try store.exportJSON(), as: UTF8.self).contains("\"schema\" : 1"))
        // Whoever may come from anywhere here does not get limits by an import, nor the other way round.
        try fixture.refuses(.conflict) { try store.importJSON(json, at: now) }
    }

    @Test(
        "is not imported from what it cannot be",
        arguments: [#"["10.0.0.1/8"]"#, #"["any"]"#, #"[""]"#, "[]", #"["none"]"#])
    func nonsense(_ list: String) throws {
        for body in [
            #""grants": [{"user": "alice", "host": "h1", "allowFrom": \#(list)}]"#,
            #""users": [{"uid": 20050, "name": "bob", "allowFrom": \#(list)}]"#,
        ] {
            let error = try fixture.refuses(.invalidField) {
                try store.importJSON(Array(#"{"schema": 4, \#(body)}"#.utf8), at: now)
            }
            #expect(error?.detail.contains("allowFrom: ") ?? false)
        }
    }

    @Test("is of a grant that an approval makes, too")
    func approval() throws {
        let request = try store.requestAccess(
            of: "alice", to: "h1", for: .seconds(3_600), why: "work", at: now)
        let networks = try SourceNetworks("10.0.0.0/8")
        let (_, grant) = try store.approveRequest(
            request.id, by: "root", person: nil, from: networks, at: now)
        #expect(grant.networks == networks)
    }
}
