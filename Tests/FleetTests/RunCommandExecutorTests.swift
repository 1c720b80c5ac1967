import AWS
import Accounts
import Directory
import Fleet
import Glibc
import Support
import TestSupport
import Testing

@Suite("Commands by Run Command")
final class RunCommandExecutorTests {
    private let service = PlayedService()
    private let folder: TemporaryFolder
    private let stage: String

    init() throws {
        folder = try TemporaryFolder()
        stage = folder.path + "/stage"
    }

    deinit {
        _ = unsafe rmdir(stage)
    }

    private func executor(delivery: Duration = .seconds(5)) -> RunCommandExecutor {
        var timing = WatchState.Timing()
        timing.delivery = delivery
        timing.first = .milliseconds(10)
        timing.firstOfMany = .milliseconds(10)
        timing.longest = .milliseconds(50)
        timing.grace = .seconds(2)
        timing.outage = .milliseconds(200)
        timing.looks = [.milliseconds(10)]
        return RunCommandExecutor(timing: timing, folder: stage) { [service] _ in service }
    }

    private func host(_ number: Int) -> Host {
        Host(
            name: "c\(number)", address: "10.0.0.1", keys: [],
            instance: HostInstance(id: "i-\(number)"), added: PlayedService.time)
    }

    /// What comes of a batch, by number.
    private func run(
        _ command: String, _ inputs: [[UInt8]], delivery: Duration = .seconds(5)
    ) -> [Result<ExecutionResult, any Error>] {
        let results = Locked<[Int: Result<ExecutionResult, any Error>]>([:])
        let jobs = inputs.enumerated().map { HostJob(host: host($0.offset), input: $0.element) }
        executor(delivery: delivery).run(command, for: jobs) { number, result in
            results.withLock { results in
                #expect(results[number] == nil)
                results[number] = result
            }
        }
        return results.withLock { results in jobs.indices.compactMap { results[$0] } }
    }

    private func error(of result: Result<ExecutionResult, any Error>?) -> String {
        switch result {
        case .failure(let error): "\(error)"
        case .success, nil: "none"
        }
    }

    /// What lies on the host, where nothing should.
    private var left: [String] {
        var names: [String] = []
        guard let list = unsafe opendir(stage) else { return [] }
        defer { unsafe closedir(list) }
        while let entry = unsafe readdir(list) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Bytes that cannot be packed.
    private static func noise(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    @Test("hand over input, output, errors and status, in one command and one question")
    func single() throws {
        let result = try executor().run("cat; echo no >&2; exit 7", input: Array("hello\n".utf8), on: host(1))
        #expect(
            result
                == ExecutionResult(status: 7, output: Array("hello\n".utf8), errorOutput: Array("no\n".utf8)))
        let (sent, listed) = service.state.withLock { ($0.sent, $0.listed) }
        #expect(sent.map(\.instanceIDs) == [["i-1"]])
        #expect(listed == [InvocationFilter(commandID: "c-1")])
        #expect(left.isEmpty)
    }

    @Test(
        "what is too long for one command goes in parts, each below the limit, and the answer comes in pieces"
    )
    func parts() throws {
        let input = Self.noise(100_000)
        let results = run("cat", [input, input, input])
        for result in results { #expect(try result.get().output == input) }
        let sent = service.state.withLock { $0.sent }
        for request in sent {
            let size = request.parameters.values.joined().map(\.utf8.count).reduce(0) { $0 + $1 + 3 }
            #expect(size < 60_000)
            #expect(request.parameters["commands"]?.contains { $0.contains("{{") } == false)
        }
        // Three parts that are stored, one that runs, and pieces of the answer after the first.
        #expect(sent.count == 4 + 5)
        #expect(sent.allSatisfy { $0.instanceIDs == ["i-0", "i-1", "i-2"] })
        #expect(left.isEmpty)
    }

    @Test("the folder on the host is nobody else's, and one that is somebody else's is not used")
    func folderIsOwn() throws {
        let mode = "stat -c %a '\(stage)'"
        #expect(try executor().run(mode, input: [], on: host(1)).output == Array("700\n".utf8))
        unsafe chmod(stage, 0o755)
        #expect(throws: AccountError(.failed, "c1: \(stage) is there and is not a folder of root's alone")) {
            try executor().run(mode, input: [], on: host(1))
        }
        unsafe rmdir(stage)
        unsafe symlink("/tmp", stage)
        #expect(throws: AccountError.self) { try executor().run(mode, input: [], on: host(1)) }
        unsafe unlink(stage)
    }

    @Test("what old transfers have left is taken away")
    func stale() throws {
        _ = try executor().run(
            "mkdir '\(stage)/old' && touch -d '2 hours ago' '\(stage)/old'", input: [], on: host(1))
        #expect(left == ["old"])
        _ = try executor().run("true", input: [], on: host(1))
        #expect(left.isEmpty)
    }

    @Test("the same for many hosts is one command for fifty, and one question for each")
    func batches() throws {
        let results = run("echo done", Array(repeating: [1, 2, 3], count: 120))
        #expect(results.count == 120)
        for result in results { #expect(try result.get().output == Array("done\n".utf8)) }
        let (sent, listed) = service.state.withLock { ($0.sent, $0.listed) }
        #expect(sent.map(\.instanceIDs.count) == [50, 50, 20])
        #expect(Set(sent.compactMap(\.maximumErrors)) == ["100%"])
        #expect(listed.count <= 3)
    }

    @Test("what differs is a command for each host, and a question for all of them")
    func different() throws {
        let results = run("cat", (0..<30).map { [UInt8($0)] })
        for (number, result) in results.enumerated() { #expect(try result.get().output == [UInt8(number)]) }
        let (sent, listed) = service.state.withLock { ($0.sent, $0.listed) }
        #expect(sent.count == 30)
        #expect(listed.count <= 3)
        #expect(listed.allSatisfy { $0.commandID == nil && $0.document == "AWS-RunShellScript" })
    }

    @Test(
        "an instance that is not known, one whose agent is silent and a host without one fail by themselves")
    func someFail() throws {
        service.state.withLock { state in
            state.unknown = ["i-1"]
            state.silent = ["i-2"]
        }
        let results = run("echo done", Array(repeating: [], count: 4), delivery: .milliseconds(100))
        #expect(try results[0].get().output == Array("done\n".utf8))
        #expect(error(of: results[1]).contains("c1 cannot be reached: Systems Manager does not know i-1"))
        #expect(
            error(of: results[2]).hasPrefix(
                "c2 cannot be reached: the agent of i-2 did not fetch the command within 0 s, so nothing was done there"
            ))
        #expect(error(of: results[2]).hasSuffix("last heard of at 2023-11-14T22:13:20Z"))
        #expect(try results[3].get().status == 0)
        #expect(service.state.withLock { $0.cancelled } == ["i-2"])
        let bare = Host(name: "bare", address: "10.0.0.1", keys: [], added: PlayedService.time)
        #expect { try executor().run("true", input: [], on: bare) } throws: {
            ($0 as? FleetError)?.code == .notManaged
        }
    }

    @Test(
        "a command whose answer was lost is found again and not sent twice; one that was not taken is sent again"
    )
    func lostAnswer() throws {
        service.state.withLock { $0.failures = [(AWSError(.interrupted, "the connection broke"), true)] }
        let count = folder.path + "/count"
        let command = "echo x >>'\(count)'; wc -l <'\(count)'"
        #expect(try executor().run(command, input: [], on: host(1)).output == Array("1\n".utf8))
        #expect(service.state.withLock { $0.sent.count } == 1)
        service.state.withLock { $0.failures = [(AWSError(.serverFault, "oh"), false)] }
        #expect(try executor().run(command, input: [], on: host(1)).output == Array("2\n".utf8))
        #expect(service.state.withLock { $0.sent.count } == 3)
        unsafe unlink(count)
    }

    @Test("what AWS refuses is told with what to do, and is nobody's fault on the host")
    func refused() throws {
        service.state.withLock {
            $0.failures = [(AWSError(.expiredCredentials, "The security token is old"), false)]
        }
        #expect {
            try executor().run("true", input: [], on: host(1))
        } throws: { error in
            let error = error as? FleetError
            return error?.code == .cloud && error?.detail.contains("c1 cannot be worked on") == true
                && error?.hint?.contains("AWSProfile") == true
        }
    }

    @Test("a list that fails for a while is asked for again; one that fails for good ends the wait")
    func listFails() throws {
        service.state.withLock {
            $0.listFailures = [AWSError(.interrupted, "broke"), AWSError(.throttled, "busy")]
        }
        #expect(try executor().run("true", input: [], on: host(1)).status == 0)
        service.state.withLock { $0.listFailures = [AWSError(.accessDenied, "no")] }
        #expect { try executor().run("true", input: [], on: host(1)) } throws: { error in
            let error = error as? AccountError
            return error?.detail.contains("c1 cannot be worked on") == true
                && error?.hint?.contains("ListCommandInvocations") == true
        }
    }

    @Test(
        "what keeps the gateway from hearing of a command that may have begun is told apart from a host that was not reached"
    )
    func inDoubt() throws {
        // Each sending fails, and what the list does not show may still come.
        for code in [AWSError.Code.interrupted, .serverFault] {
            service.state.withLock {
                $0.failures = Array(repeating: (AWSError(code, "oh"), false), count: 3)
            }
            #expect(throws: AccountError.self) { try executor().run("true", input: [], on: host(1)) }
        }
        service.state.withLock { $0.failures = [(AWSError(.malformedResponse, "what?"), true)] }
        #expect(throws: AccountError.self) { try executor().run("true", input: [], on: host(1)) }
        // An answer in pieces, none of which comes.
        service.state.withLock { $0.getFailure = AWSError(.accessDenied, "no") }
        #expect(throws: AccountError.self) {
            try executor().run("head -c 3000 /dev/urandom", input: [], on: host(1))
        }
        service.state.withLock { $0.getFailure = nil }
        // Parts that are only stored begin nothing, and neither does what AWS did not take.
        for code in [AWSError.Code.unreachable, .throttled, .accessDenied] {
            service.state.withLock { $0.failures = [(AWSError(code, "no"), false)] }
            #expect(throws: FleetError.self) { try executor().run("true", input: [], on: host(1)) }
        }
        service.state.withLock { $0.failures = [(AWSError(.serverFault, "oh"), false)] }
        #expect(throws: FleetError.self) {
            try executor().run("true", input: Self.noise(100_000), on: host(1))
        }
    }

    @Test("an agent that is gone when the rest of an answer is fetched did something before")
    func silentLater() throws {
        service.state.withLock { $0.silentAfter = 1 }
        let results = run("head -c 100000 /dev/urandom", [[]], delivery: .milliseconds(100))
        #expect(error(of: results.first).contains("so the rest of its answer is lost"))
        #expect(throws: AccountError.self) { try results.first?.get() }
    }

    @Test(
        "ends that are none are told apart",
        arguments: [
            (InvocationState.executionTimedOut, 137, 2, "was killed before its end"),
            (.executionTimedOut, 137, 301, "was ended after 300 s"),
            (.executionTimedOut, nil, 0, "did not say within 300 s how it ended"),
            (.failed, 1, 1, "failed with exit status 1"), (.failed, 127, 1, "the host has no python3"),
            (.cancelled, 137, 1, "was called off"), (.deliveryTimedOut, nil, 0, "did not fetch the command"),
            (.undeliverable, nil, 0, "did not fetch the command"),
        ] as [(InvocationState, Int?, Int, String)])
    func ends(_ state: InvocationState, _ status: Int?, _ seconds: Int, _ words: String) throws {
        service.state.withLock {
            $0.edit = { invocation in
                CommandInvocation(
                    commandID: invocation.commandID, instanceID: invocation.instanceID, state: state,
                    exitStatus: status, output: "", elapsed: .seconds(seconds))
            }
        }
        let results = run("true", [[]])
        #expect(error(of: results.first).contains(words))
    }

    @Test("an answer that was cut anywhere is an error, and no crash", arguments: [0, 1, 20, 80, 100, 150])
    func cut(_ length: Int) throws {
        service.state.withLock {
            $0.edit = { invocation in
                CommandInvocation(
                    commandID: invocation.commandID, instanceID: invocation.instanceID,
                    state: invocation.state,
                    exitStatus: invocation.exitStatus, output: String(invocation.output.prefix(length)))
            }
        }
        let results = run("head -c 1000 /dev/urandom", [[]])
        #expect(throws: (any Error).self) { try results.first?.get() }
    }
}
