import Authorization
import Directory
import Support
import Testing

@Suite("What grants require")
struct RequirementTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }
    private let now = Fixture.time

    init() throws {
        fixture = try Fixture()
        try fixture.user("alice")
        try fixture.host("h1")
    }

    /// A grant: what it gives and what it requires.
    struct Given: Sendable {
        var rights = Rights()
        var required: FurtherFactors = []
    }

    private static let plain = Given()
    private static let coded = Given(required: .code)
    private static let asked = Given(required: .pam)
    private static let both = Given(required: .all)
    private static let root = Given(rights: Rights(sudo: true), required: .code)
    private static let agent = Given(rights: Rights(agent: true), required: .code)
    private static let taped = Given(rights: Rights(record: true), required: .code)
    private static let silent = Given(rights: Rights(forwarding: .none))

    /// What is granted, what was shown, whether for a jump, and what comes of it: the grants that count, or what is missing.
    private static let table: [([Given], FurtherFactors, Bool, String)] = [
        ([], [], false, "closed"), ([], .all, false, "closed"),
        ([plain], [], false, "1"), ([plain], .all, true, "1"),
        ([coded], [], false, "totp"), ([coded], .pam, false, "totp"), ([coded], .code, false, "1"),
        ([coded], [], true, "totp"), ([coded], .code, true, "1"),
        ([asked], [], false, "pam"), ([asked], .code, false, "pam"), ([asked], .pam, false, "1"),
        ([both], [], false, "pam,totp"), ([both], .code, false, "pam"), ([both], .pam, false, "totp"),
        ([both], .all, false, "1"),
        // What one of them permits needs only what that one requires, and the least is asked for.
        ([coded, plain], [], false, "2"), ([coded, plain], .code, false, "1 2"),
        ([both, coded], [], false, "totp"), ([both, coded], .code, false, "2"),
        ([both, asked], .code, false, "pam"),
        ([coded, asked], [], false, "totp"), ([coded, asked], .pam, false, "2"),
        ([coded, asked], .all, false, "1 2"),
        // Root is the account's: no session there goes without.
        ([root, plain], [], false, "totp"), ([root, plain], .pam, false, "totp"),
        ([root, plain], .code, false, "1 2"),
        // So is what sshd lets people do on a jump.
        ([agent, plain], [], false, "2"), ([agent, plain], [], true, "totp"),
        ([agent, plain], .code, true, "1 2"),
        ([coded, silent], [], false, "2"), ([coded, silent], [], true, "totp"),
        ([coded, plain], [], true, "2"),
        // A recording is a duty, which nobody escapes by showing less.
        ([taped, plain], [], false, "2"), ([taped, plain], [], true, "2"),
    ]

    @Test("has to be shown, and nothing else", arguments: table.indices)
    func entry(_ index: Int) throws {
        let (grants, shown, isJump, expected) = Self.table[index]
        for grant in grants {
            try store.addGrant(
                .user("alice"), to: .host("h1"), grant.rights, requiring: grant.required, at: now)
        }
        let entry = try store.entry(
            of: "alice", to: "h1", showing: shown, from: .anywhere, isJump: isJump, at: now)
        let found =
            switch entry {
            case .open(let access): access.grants.map(String.init).joined(separator: " ")
            case .lacking(let factors): factors.text
            case .elsewhere: "elsewhere"
            case .closed: "closed"
            }
        #expect(found == expected)
        // Whoever shows everything gets in if anybody does.
        let all = try store.entry(
            of: "alice", to: "h1", showing: .all, from: .anywhere, isJump: isJump, at: now)
        #expect((all == .closed) == grants.isEmpty)
    }

    @Test(
        "leaves recordings to whoever demands them, whatever was shown", arguments: FurtherFactors.ascending)
    func recorded(_ shown: FurtherFactors) throws {
        try store.addGrant(.user("alice"), to: .host("h1"), at: now)
        #expect(try store.access(of: "alice", to: "h1", at: now, showing: shown)?.rights.record == false)
        try store.addGrant(.user("alice"), to: .all, Rights(record: true), requiring: .all, at: now)
        let access = try #require(try store.access(of: "alice", to: "h1", at: now, showing: shown))
        #expect(access.rights.record && access.rights.jump == nil)
    }

    @Test("is nothing to those who may not go there whatever they show")
    func closed() throws {
        try store.addGrant(.user("alice"), to: .host("h1"), requiring: .code, at: now)
        #expect(try store.entry(of: "nobody", to: "h1", showing: .all, from: .anywhere, at: now) == .closed)
        #expect(try store.entry(of: "alice", to: "h2", showing: .all, from: .anywhere, at: now) == .closed)
        try store.setHostState(.disabled, of: "h1")
        #expect(try store.entry(of: "alice", to: "h1", showing: [], from: .anywhere, at: now) == .closed)
    }

    @Test("is kept, exported in a schema of its own, and read again", arguments: FurtherFactors.ascending)
    func export(_ required: FurtherFactors) throws {
        let grant = try store.addGrant(.user("alice"), to: .host("h1"), requiring: required, at: now)
        #expect(grant.required == required)
        #expect(try store.grant(grant.id) == grant)
        let json = try store.exportJSON()
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains("\"schema\" : \(required.isEmpty ? 1 : 3)"))
        let other = try Fixture()
        try other.store.importJSON(json, at: now)
        #expect(try other.store.grants() == [grant])
        // The same grant without the requirement is another one.
        if !required.isEmpty {
            try store.addGrant(.user("alice"), to: .host("h1"), at: now)
            #expect(try Set(store.grants().map(\.required)) == [[], required])
        }
    }

    @Test("is not imported from what it cannot be")
    func nonsense() throws {
        let body = #"{"schema": 3, "grants": [{"user": "alice", "host": "h1", "require": "publickey"}]}"#
        #expect(throws: DirectoryError.self) { try store.importJSON(Array(body.utf8), at: now) }
        #expect(try store.grants() == [])
    }

    @Test("is of a grant that an approval makes, too")
    func approval() throws {
        let request = try store.requestAccess(
            of: "alice", to: "h1", for: .seconds(3_600), why: "work", at: now)
        let (_, grant) = try store.approveRequest(
            request.id, by: "root", person: nil, requiring: .code, at: now)
        #expect(grant.required == .code)
    }
}
