import Accounts
import Authorization
import Directory
import Support
import TestSupport
import Testing

@Suite("what hosts give that is not granted any more")
struct AccountPowersTests {
    private let fixture: Fixture
    private let host = PlayedHost()
    private let service: AccountService

    init() throws {
        fixture = try Fixture()
        service = try fixture.service(host)
        host.report("alice created", "bob created")
    }

    private func time(_ second: Int64) -> Timestamp { Fixture.time + .seconds(second) }

    private func grant(_ user: String, _ rights: Rights = Rights(), until: Int64? = nil) throws -> Int64 {
        try fixture.directory.addGrant(
            .user(user), to: .host("c1"), rights, period: GrantPeriod(until: until.map(time)),
            at: Fixture.time
        ).id
    }

    @Test("a grant's end leaves something to take back, until a run has taken it")
    func lapse() throws {
        _ = try grant("alice", until: 10)
        _ = try service.apply(host: "c1", at: time(1))
        #expect(try service.hostsWithTooMuch(at: time(9)) == [])
        #expect(try service.hostsWithTooMuch(at: time(10)) == ["c1"])
        #expect(try service.hasTooMuch(user: "alice", on: "c1", at: time(10)))
        host.answer.withLock { $0 = nil }
        #expect(service.withdraw(from: ["c1"], at: time(11)).allSatisfy { (try? $0.get()) == nil })
        #expect(try service.hostsWithTooMuch(at: time(11)) == ["c1"])
        // A look that finds the account still there does not take it away.
        host.report("alice locked", "bob locked")
        _ = try service.plan(host: "c1", at: time(12))
        #expect(try service.hostsWithTooMuch(at: time(12)) == ["c1"])
        _ = service.withdraw(from: ["c1"], at: time(13))
        #expect(try service.hostsWithTooMuch(at: time(13)) == [])
        #expect(try !service.hasTooMuch(user: "alice", on: "c1", at: time(13)))
    }

    @Test("what a run may have given counts though nothing came back from it, until one says otherwise")
    func lostRun() throws {
        _ = try grant("alice")
        _ = try service.apply(host: "c1", at: time(1))
        _ = try grant("alice", Rights(sudo: true), until: 10)
        _ = try grant("bob", Rights(sudo: true), until: 10)
        host.answer.withLock { $0 = nil }
        #expect(throws: (any Error).self) { try service.apply(host: "c1", at: time(2)) }
        #expect(try service.hostsWithTooMuch(at: time(3)) == [])
        #expect(try service.hostsWithTooMuch(at: time(11)) == ["c1"])
        for user in ["alice", "bob"] {
            #expect(try service.mayStillBecomeRoot(user: user, on: "c1", at: time(11)))
        }
        // As it was granted before: nobody would do it again without knowing of that run.
        #expect(try !service.isReady(user: "alice", on: "c1", at: time(11)))
        host.report("alice unchanged", "bob locked")
        _ = service.withdraw(from: ["c1"], at: time(12))
        #expect(try service.hostsWithTooMuch(at: time(13)) == [])
        #expect(try service.isReady(user: "alice", on: "c1", at: time(13)))
    }

    @Test("of what an administrator takes away, only becoming root is taken back at once")
    func removal() throws {
        let plain = try grant("alice")
        let sudo = try grant("bob", Rights(sudo: true))
        _ = try grant("bob", Rights(forwarding: .none))
        _ = try service.apply(host: "c1", at: time(1))
        try fixture.directory.removeGrant(plain)
        #expect(try service.hostsWithTooMuch(at: time(2)) == [])
        #expect(try service.hasTooMuch(user: "alice", on: "c1", at: time(2)))
        #expect(try !service.mayStillBecomeRoot(user: "alice", on: "c1", at: time(2)))
        try fixture.directory.removeGrant(sudo)
        #expect(try service.mayStillBecomeRoot(user: "bob", on: "c1", at: time(2)))
        #expect(try service.hostsWithTooMuch(at: time(2)) == ["c1"])
        host.report("alice locked", "bob updated")
        _ = service.withdraw(from: ["c1"], at: time(3))
        #expect(try !service.mayStillBecomeRoot(user: "bob", on: "c1", at: time(3)))
        #expect(try service.hostsWithTooMuch(at: time(3)) == [])
    }

    @Test("who is locked waits for the run that ends their programs, too")
    func locked() throws {
        _ = try grant("bob", Rights(sudo: true))
        _ = try service.apply(host: "c1", at: time(1))
        try fixture.directory.lockUser("bob")
        #expect(try service.hostsWithTooMuch(at: time(2)) == [])
        #expect(try service.mayStillBecomeRoot(user: "bob", on: "c1", at: time(2)))
    }

    @Test("more than is granted is what keys give as well, and less is not")
    func keys() throws {
        let id = try grant("alice", Rights(forwarding: .none))
        try fixture.directory.addKey(Fixture.key(3), to: "alice", at: Fixture.time)
        _ = try service.apply(host: "c1", at: time(1))
        let full = try grant("alice", Rights(agent: true))
        #expect(try !service.isReady(user: "alice", on: "c1", at: time(2)))
        #expect(try !service.hasTooMuch(user: "alice", on: "c1", at: time(2)))
        host.report("alice updated", "bob unchanged")
        _ = try service.apply(host: "c1", at: time(3))
        #expect(try !service.hasTooMuch(user: "alice", on: "c1", at: time(3)))
        try fixture.directory.removeGrant(full)
        #expect(try service.hasTooMuch(user: "alice", on: "c1", at: time(4)))
        try fixture.directory.removeGrant(id)
        #expect(try service.hasTooMuch(user: "alice", on: "c1", at: time(4)))
    }

    @Test("an account that somebody else has there gives nothing of ours")
    func conflict() throws {
        _ = try grant("alice", Rights(sudo: true), until: 10)
        host.report("alice conflict", "bob unchanged")
        _ = try service.apply(host: "c1", at: time(1))
        #expect(try service.hostsWithTooMuch(at: time(11)) == [])
    }

    @Test("a group's grant that is over concerns its members")
    func group() throws {
        try fixture.grant(until: time(10))
        _ = try service.apply(host: "c1", at: time(1))
        #expect(try service.hostsWithTooMuch(at: time(11)) == ["c1"])
    }
}
