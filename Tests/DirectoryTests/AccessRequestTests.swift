import Directory
import Support
import Testing

@Suite("Requests for access")
struct AccessRequestTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }
    private let now = Fixture.time
    private static let hour = Duration.seconds(3_600)

    init() throws {
        fixture = try Fixture()
        for name in ["alice", "bob"] { try fixture.user(name) }
        try fixture.host("gpu1")
        try fixture.store.addPool("gpus")
        try fixture.store.join(["gpu1"], to: "gpus")
    }

    private func ask(
        _ target: String = "gpu1", _ user: String = "alice", _ duration: Duration = hour,
        why: String = "a job hangs",
        at time: Timestamp = Fixture.time
    ) throws -> AccessRequest {
        try store.requestAccess(of: user, to: target, for: duration, why: why, at: time)
    }

    @Test(
        "give nothing before somebody approves them, and what was asked for from then on",
        arguments: ["gpu1", "gpus"])
    func approval(_ target: String) throws {
        let request = try ask(target)
        #expect(request.isOpen(at: now))
        #expect(try store.access(of: "alice", to: "gpu1", at: now) == nil)
        let later = now + .seconds(600)
        let (approved, grant) = try store.approveRequest(
            request.id, by: "ada", person: "ada", Rights(record: true), at: later)
        #expect(approved.state == .approved && approved.decider == "ada" && approved.grant == grant.id)
        #expect(grant.until == later + Self.hour)
        let access = try #require(try store.access(of: "alice", to: "gpu1", at: later))
        #expect(access.rights == Rights(record: true))
        #expect(try store.access(of: "alice", to: "gpu1", at: later + Self.hour) == nil)
        #expect(try store.access(of: "bob", to: "gpu1", at: later) == nil)
    }

    @Test("are forgotten in time, with the grants that came of them and are over")
    func forgotten() throws {
        let request = try ask()
        let (_, grant) = try store.approveRequest(request.id, by: "ada", person: "ada", at: now)
        let other = try store.addGrant(
            .user("alice"), to: .host("gpu1"), period: GrantPeriod(until: now + .seconds(60)), at: now)
        _ = try ask(at: now + .seconds(89 * 86_400))
        #expect(try store.grants().map(\.id) == [grant.id, other.id])
        _ = try ask("gpus", at: now + .seconds(91 * 86_400))
        #expect(try store.grants().map(\.id) == [other.id])
        #expect(try store.accessRequests().map(\.id) == [2, 3])
    }

    @Test("are not approved by who makes them, whatever that person's name is elsewhere")
    func own() throws {
        let request = try ask()
        try fixture.refuses(.notPermitted) {
            _ = try store.approveRequest(request.id, by: "alice", person: "alice", at: now)
        }
        #expect(try store.grants().isEmpty)
        #expect(try store.accessRequests().map(\.state) == [.open])
        _ = try store.approveRequest(request.id, by: "uid 0", person: nil, at: now)
    }

    @Test("are decided once")
    func once() throws {
        let (first, second) = (try ask(), try ask("gpus"))
        _ = try store.approveRequest(first.id, by: "ada", person: "ada", at: now)
        _ = try store.denyRequest(second.id, by: "ada", saying: "not today", at: now)
        #expect(try store.accessRequests(of: "alice").map(\.answer) == ["", "not today"])
        for id in [first.id, second.id] {
            try fixture.refuses(.conflict) {
                _ = try store.approveRequest(id, by: "ada", person: "ada", at: now)
            }
            try fixture.refuses(.conflict) { _ = try store.denyRequest(id, by: "ada", saying: "", at: now) }
        }
        try fixture.refuses(.conflict) {
            _ = try store.revokeRequest(second.id, by: "ada", saying: "", at: now)
        }
        #expect(try store.grants().count == 1)
    }

    @Test("are taken back with the grant that they made, also when it is gone already")
    func revocation() throws {
        let request = try ask()
        let (_, grant) = try store.approveRequest(request.id, by: "ada", person: "ada", at: now)
        let revoked = try store.revokeRequest(request.id, by: "ada", saying: "done", at: now)
        #expect(revoked.state == .revoked && revoked.grant == grant.id)
        #expect(try store.access(of: "alice", to: "gpu1", at: now) == nil)
        try fixture.refuses(.conflict) {
            _ = try store.revokeRequest(request.id, by: "ada", saying: "", at: now)
        }
        let (_, next) = try store.approveRequest(try ask().id, by: "ada", person: "ada", at: now)
        try store.removeGrant(next.id)
        _ = try store.revokeRequest(2, by: "ada", saying: "", at: now)
    }

    @Test("for what there is not are taken like others; only who decides learns that")
    func unknownTarget() throws {
        let (known, unknown) = (try ask("gpu1"), try ask("nosuchhost"))
        #expect(known.state == unknown.state && known.why == unknown.why)
        try fixture.refuses(.notFound) {
            _ = try store.approveRequest(unknown.id, by: "ada", person: "ada", at: now)
        }
        #expect(try store.accessRequests().map(\.state) == [.open, .open])
    }

    @Test("do not pile up: five are open at a time, and of each target one")
    func limits() throws {
        for number in 1...AccessRequest.openLimit { _ = try ask("h\(number)") }
        try fixture.refuses(.conflict) { _ = try ask("h1") }
        try fixture.refuses(.tooMany) { _ = try ask("h6") }
        #expect(try ask("h6", "bob").user == "bob")
        #expect(try store.withdrawRequest(1, of: "alice").target == "h1")
        _ = try ask("h6")
        // What nobody decides about makes room after a while.
        let late = now + AccessRequest.patience
        _ = try ask("h7", at: late)
        #expect(try store.accessRequests().map(\.target) == ["h7"])
    }

    @Test("that are too old are not approved")
    func old() throws {
        let request = try ask()
        let late = now + AccessRequest.patience
        #expect(!request.isOpen(at: late))
        try fixture.refuses(.conflict) {
            _ = try store.approveRequest(request.id, by: "ada", person: "ada", at: late)
        }
    }

    @Test("belong to who makes them: nobody else withdraws or sees them")
    func strangers() throws {
        let request = try ask()
        try fixture.refuses(.notFound) { _ = try store.withdrawRequest(request.id, of: "bob") }
        try fixture.refuses(.notFound) { _ = try store.withdrawRequest(99, of: "bob") }
        #expect(try store.accessRequests(of: "bob").isEmpty)
    }

    @Test("of who may not log in any more are not approved; of who has left they are gone")
    func people() throws {
        let request = try ask()
        try store.lockUser("alice")
        try fixture.refuses(.userNotActive) {
            _ = try store.approveRequest(request.id, by: "ada", person: "ada", at: now)
        }
        try store.leaveUser("alice")
        #expect(try store.accessRequests().isEmpty)
    }

    @Test("want a name, a reason and a time that can be")
    func fields() throws {
        for why in ["", "two\nlines", "\u{1B}[2J", String(repeating: "x", count: 600)] {
            try fixture.refuses(.invalidField) { _ = try ask(why: why) }
        }
        for target in ["", "gpu 1", "../x", "GPU1", String(repeating: "g", count: 64), "a\u{0}"] {
            try fixture.refuses(.invalidName) { _ = try ask(target) }
        }
        for seconds: Int64 in [0, 59, 30 * 86_400 + 1] {
            try fixture.refuses(.outOfRange) { _ = try ask("gpu1", "alice", .seconds(seconds)) }
        }
        let request = try ask()
        try fixture.refuses(.outOfRange) {
            _ = try store.approveRequest(request.id, by: "ada", person: "ada", for: .seconds(1), at: now)
        }
        try fixture.refuses(.invalidField) {
            _ = try store.denyRequest(request.id, by: "ada", saying: "\u{7}", at: now)
        }
        #expect(try store.accessRequests().map(\.state) == [.open])
    }

    @Test("come back from an export, and their numbers are not given out again")
    func export() throws {
        _ = try store.approveRequest(try ask().id, by: "ada", person: "ada", at: now)
        _ = try ask("gpus")
        let copy = try Fixture()
        try copy.store.importJSON(try store.exportJSON())
        #expect(try copy.store.accessRequests() == store.accessRequests())
        #expect(
            try copy.store.requestAccess(of: "bob", to: "gpu1", for: Self.hour, why: "x", at: now).id == 3)
    }
}
