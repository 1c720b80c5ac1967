import Accounts
import Directory
import Glibc
import Support
import TestSupport
import Testing

@Suite("applying accounts to a host")
struct AccountServiceTests {
    private static let unchanged = """
        {"schema": 1, "changed": false, "users": [], "groups": [],
         "sshd": {"changed": false, "reloaded": false}, "errors": []}
        """

    @Test("sends one constant command, and everything else on its standard input")
    func request() throws {
        let fixture = try Fixture()
        try fixture.grant()
        let host = ScriptedHost(0, Self.unchanged)
        // Whom the host does not name is as wanted.
        let report = AccountReport(
            changed: false,
            users: [.init(name: "alice", result: .unchanged), .init(name: "bob", result: .unchanged)],
            groups: [.init(name: "lab", result: .unchanged)])
        #expect(try fixture.service(host).apply(host: "c1") == report)
        let asked = host.asked.withLock { $0 }
        #expect(asked.map(\.command) == [HostStep.command])
        #expect(asked.map(\.host) == ["c1"])
        let input = String(decoding: asked[0].input, as: UTF8.self)
        #expect(input.hasPrefix(#"[["files", "#))
        #expect(input.hasSuffix("}") && input.contains(#""name":"alice""#))
    }

    @Test("a host that is not in the directory is not asked")
    func unknownHost() throws {
        let host = ScriptedHost(0, Self.unchanged)
        #expect(throws: DirectoryError.self) { try Fixture().service(host).apply(host: "c2") }
        #expect(host.asked.withLock { $0.isEmpty })
    }

    @Test("without a report the host's last words are in the error")
    func lastWords() throws {
        let broken = ScriptedHost(1, "", errorOutput: "Traceback\nMemoryError: \u{1B}\n")
        #expect(
            throws: AccountError(
                .badReport, "the host's answer is not a report: MemoryError: \\u{1B}")
        ) { try Fixture().service(broken).apply(host: "c1") }
        #expect(throws: AccountError(.failed, "the host has no python3")) {
            try Fixture().service(ScriptedHost(127, "")).apply(host: "c1")
        }
    }

    @Test("several hosts are asked together, and each has an outcome of its own")
    func severalHosts() throws {
        let fixture = try Fixture()
        for name in ["c2", "c3"] {
            try fixture.directory.addHost(
                name, address: "10.0.0.2", keys: [Fixture.key(9)], at: Fixture.time)
        }
        let host = ScriptedHost(0, Self.unchanged)
        let service = try fixture.service(host)
        let outcomes = service.apply(hosts: ["c1", "nowhere", "c3", "c2"])
        #expect(outcomes.map { (try? $0.get())?.changed } == [false, nil, false, false])
        #expect(throws: DirectoryError.self) { try outcomes[1].get() }
        #expect(host.asked.withLock { $0.map(\.host).sorted() } == ["c1", "c2", "c3"])
        #expect(service.plan(hosts: ["c2"]).count == 1)
        #expect(try service.status(host: "c2").first?.state == .ok)
    }

    @Test("calls at one host take turns")
    func oneAtATime() throws {
        final class Busy: HostExecutor {
            let count = Locked((now: 0, most: 0))

            func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
                count.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                sched_yield()
                count.withLock { $0.now -= 1 }
                return ExecutionResult(status: 0, output: Array(AccountServiceTests.unchanged.utf8))
            }
        }
        let busy = Busy()
        let service = try Fixture().service(busy)
        runInParallel(8) { number in
            _ =
                number.isMultiple(of: 2)
                ? try? service.apply(host: "c1") : try? service.apply(hosts: ["c1"])[0].get()
        }
        #expect(busy.count.withLock { $0.most } == 1)
    }

    // The step refuses a range with system accounts before it looks at the machine, so nothing is touched here.
    @Test("the step gets through the shell to Python, reads the state and answers with a report")
    func realStep() throws {
        let fixture = try Fixture()
        try fixture.grant()
        #expect(throws: AccountError(.refused, "the range of ids is not one for people")) {
            try fixture.service(LocalExecutor(), range: 0...59_999).apply(host: "c1")
        }
    }

    @Test("the local executor hands over input, both outputs and the status")
    func localExecutor() throws {
        let host = try Fixture().directory.host("c1")
        let input = [UInt8](repeating: 0x61, count: 300_000)
        let echo = try LocalExecutor().run(
            "cat; cat >&2 /dev/null; echo no >&2; exit 7", input: input, on: host)
        #expect(echo == ExecutionResult(status: 7, output: input, errorOutput: Array("no\n".utf8)))
        // It was reached: nobody is to take it for a host that cannot be.
        #expect(throws: AccountError.self) {
            try LocalExecutor(outputLimit: 1_000).run("cat", input: input, on: host)
        }
    }
}
