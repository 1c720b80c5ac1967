import Accounts
import Directory
import Support
import TestSupport
import Testing

/// A host whose answers are set one by one.
final class PlayedHost: HostExecutor {
    struct Silence: Error, CustomStringConvertible {
        let description = "no route"
    }

    let answer = Locked<String?>(nil)
    let asked = Locked<[String]>([])

    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        asked.withLock { $0.append(String(decoding: input.suffix(2_000), as: UTF8.self)) }
        guard let answer = answer.withLock({ $0 }) else { throw Silence() }
        return ExecutionResult(status: answer.contains("conflict") ? 20 : 10, output: Array(answer.utf8))
    }

    /// Reports these results from now on, such as `alice created`.
    func report(_ lines: String..., sshd: Bool = false) {
        let users = lines.map { line in
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            let reason = words.count > 2 ? words[2] : ""
            return #"{"name": "\#(words[0])", "result": "\#(words[1])", "reason": "\#(reason)"}"#
        }
        let text = """
            {"schema": 1, "changed": true, "users": [\(users.joined(separator: ", "))], "groups": [],
             "sshd": {"changed": \(sshd), "reloaded": false}, "errors": []}
            """
        answer.withLock { $0 = text }
    }

    var count: Int { asked.withLock { $0.count } }
}

@Suite("how accounts stand")
struct AccountStatusTests {
    private let fixture: Fixture
    private let host = PlayedHost()
    private let service: AccountService

    init() throws {
        fixture = try Fixture()
        try fixture.grant()
        service = try fixture.service(host)
    }

    private func time(_ second: Int64) -> Timestamp { Fixture.time + .seconds(second) }

    private func states() throws -> [String] {
        try service.status(host: "c1", at: Fixture.time).map { "\($0.user ?? "-") \($0.state)" }
    }

    @Test("what nobody has applied is missing; afterwards it is ok, since then")
    func fromMissingToOK() throws {
        #expect(try states() == ["- missing", "alice missing", "bob missing"])
        host.report("alice created", "bob created")
        _ = try service.apply(host: "c1", at: time(1))
        _ = try service.apply(host: "c1", at: time(2))
        #expect(try states() == ["- ok", "alice ok", "bob ok"])
        #expect(try service.status(host: "c1", at: time(3)).allSatisfy { $0.since == time(1) })
    }

    @Test("a change of the directory makes those stale whom it concerns")
    func directoryChanges() throws {
        host.report("alice created", "bob created")
        _ = try service.apply(host: "c1", at: time(1))
        try fixture.directory.addKey(Fixture.key(2), to: "bob", at: time(2))
        #expect(try states() == ["- ok", "alice ok", "bob stale"])
        try fixture.directory.lockUser("alice")
        #expect(try states() == ["- stale", "alice stale", "bob stale"])
        host.report("alice locked", "bob updated")
        _ = try service.apply(host: "c1", at: time(3))
        #expect(try states() == ["- ok", "alice locked", "bob ok"])
    }

    @Test("a rehearsal that finds what nobody ordered is drift, told once")
    func drift() throws {
        host.report("alice created", "bob created")
        _ = try service.apply(host: "c1", at: time(1))
        host.report("alice updated keys", "bob created", sshd: true)
        let check = try service.plan(host: "c1", at: time(2))
        #expect(Set(check.drifted.keys) == ["alice", "bob", ""])
        #expect(check.drifted["alice"] == "keys")
        #expect(try states() == ["- stale", "alice stale", "bob missing"])
        #expect(try service.plan(host: "c1", at: time(3)).drifted.isEmpty)
        host.report("alice unchanged", "bob unchanged")
        _ = try service.plan(host: "c1", at: time(4))
        #expect(try states() == ["- ok", "alice ok", "bob ok"])
        #expect(host.asked.withLock { $0.last ?? "" }.contains(#""rehearsal":true"#))
    }

    @Test("a rehearsal that finds what the directory has ordered is no drift")
    func noDrift() throws {
        host.report("alice created", "bob created")
        _ = try service.apply(host: "c1", at: time(1))
        try fixture.directory.addKey(Fixture.key(2), to: "bob", at: time(2))
        host.report("alice unchanged", "bob updated keys")
        #expect(try service.plan(host: "c1", at: time(3)).drifted.isEmpty)
        #expect(try states() == ["- ok", "alice ok", "bob stale"])
    }

    @Test("only who asks for it has the host try again what broke its sshd")
    func insistence() throws {
        host.report("alice created", "bob created")
        _ = try service.plan(host: "c1", at: time(1))
        _ = try service.prepare(user: "alice", on: "c1", at: time(2))
        _ = try service.apply(host: "c1", at: time(3))
        _ = service.apply(hosts: ["c1"], at: time(4))
        let asked = host.asked.withLock { $0 }
        #expect(asked.map { $0.contains(#""insists":true"#) } == [false, false, true, true])
    }

    @Test("a host that does not answer is unreachable since it first did not")
    func unreachable() throws {
        #expect(throws: PlayedHost.Silence.self) { try service.plan(host: "c1", at: time(1)) }
        #expect(throws: PlayedHost.Silence.self) { try service.apply(host: "c1", at: time(2)) }
        let status = try service.status(host: "c1", at: time(3))
        #expect(
            status.allSatisfy { $0.state == .unreachable && $0.since == time(1) && $0.reason == "no route" })
    }

    @Test("preparing asks the host only when something is to do")
    func preparing() throws {
        host.report("alice created", "bob conflict uid-taken: by games")
        #expect(try !service.isReady(user: "alice", on: "c1", at: time(1)))
        guard case .ready(.some) = try service.prepare(user: "alice", on: "c1", at: time(1)) else {
            Issue.record("alice was not made ready")
            return
        }
        #expect(try service.isReady(user: "alice", on: "c1", at: time(1)))
        #expect(try service.prepare(user: "alice", on: "c1", at: time(2)) == .ready(nil))
        #expect(host.count == 1)
        guard
            case .conflict("uid-taken: by games", _) = try service.prepare(user: "bob", on: "c1", at: time(2))
        else {
            Issue.record("bob's conflict was not told")
            return
        }
        #expect(host.count == 2)
        _ = try service.prepare(user: "alice", on: "c1", isDoubted: true, at: time(3))
        #expect(host.count == 3)
        #expect(try !service.isReady(user: "carol", on: "c1", at: time(3)))
    }

    @Test("of many who wait for the same account, one asks the host")
    func preparingAtOnce() {
        host.report("alice created", "bob created")
        let service = service
        runInParallel(6) { _ in _ = try? service.prepare(user: "alice", on: "c1", at: Fixture.time) }
        #expect(host.count == 1)
    }

    @Test("what an adoption would do is not how things stand")
    func adoption() throws {
        host.report("alice conflict name-unmanaged: uid 20001", "bob unchanged")
        _ = try service.plan(host: "c1", at: time(1))
        host.report("alice updated account", "bob unchanged")
        _ = try service.plan(host: "c1", adopting: ["alice"], at: time(2))
        #expect(try states() == ["- ok", "alice conflict", "bob ok"])
        #expect(host.asked.withLock { $0.last ?? "" }.contains(#""adopted":["alice"]"#))
    }

    @Test("a host that is gone from the directory is forgotten")
    func forgetting() throws {
        host.report("alice created", "bob created")
        _ = try service.apply(host: "c1", at: time(1))
        try fixture.directory.removeHost("c1")
        try service.forgetRemovedHosts()
        try fixture.directory.addHost("c1", address: "10.0.0.1", keys: [Fixture.key(9)], at: time(2))
        #expect(try service.status(host: "c1", at: time(2)).map(\.state) == [.missing])
    }
}
