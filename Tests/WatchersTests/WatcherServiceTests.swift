import Accounts
import Directory
import Glibc
import SSHKeys
import Support
import TestSupport
import Testing
import Watchers

/// Keeps what the step is given and answers one report after the other.
private final class Host1: HostExecutor {
    let state = Locked((answers: [String](), inputs: [[UInt8]]()))
    /// Hosts that were worked at together.
    let batches = Locked<[[String]]>([])

    func run(
        _ command: String, for jobs: [HostJob],
        _ done: @escaping @Sendable (Int, Result<ExecutionResult, any Error>) -> Void
    ) {
        batches.withLock { $0.append(jobs.map(\.host.name)) }
        for (number, job) in jobs.enumerated() {
            done(number, Result { try run(command, input: job.input, on: job.host) })
        }
    }

    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        state.withLock { state in
            state.inputs.append(input)
            let report = state.answers.isEmpty ? "" : state.answers.removeFirst()
            return ExecutionResult(
                status: 0,
                output: Array((#"{"schema":1,"errors":[],"changed":true,"remarks":[],"# + report + "}").utf8))
        }
    }
}

@Suite("Installing watchers")
struct WatcherServiceTests {
    private let folder: TemporaryFolder
    private let directory: DirectoryStore
    private let host = Host1()
    /// By which the gateway gets at hosts from which it fetches.
    private let fetcher = Host1()
    private let service: WatcherService
    private let key: PublicKey

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        try directory.addHost("h1", address: "10.0.0.1", keys: [])
        try directory.addTree(NewTree("/shared/a b", targets: ["h1"]))
        key = try PrivateKey.generate().publicKey
        service = WatcherService(
            directory: directory, executor: host, fetcher: fetcher, programPath: "/bin/true",
            hostKeys: [try PrivateKey.generate().publicKey], authority: try PrivateKey.generate().publicKey)
    }

    private static let brought = WatcherOptions.Way.brought(to: TCPAddress(host: "fd00::1", port: 2_222))

    private func install(
        _ answers: [String], on hosts: [String] = ["h1"], _ way: WatcherOptions.Way? = brought
    ) throws -> (inputs: [String], results: [Result<WatcherInstallation, any Error>]) {
        host.state.withLock { $0 = (answers: answers, inputs: []) }
        let options = way.map { WatcherOptions($0) }
        let results = try service.install(
            on: hosts,
            Dictionary(uniqueKeysWithValues: hosts.compactMap { host in options.map { (host, $0) } }))
        // Behind the modules.
        let inputs = host.state.withLock {
            $0.inputs.map { String(decoding: $0.suffix(2_000), as: UTF8.self) }
        }
        return (inputs, results)
    }

    @Test("the host's key may deliver before the host is to fetch its program and to start anything")
    func order() throws {
        let (inputs, results) = try install([
            #""key":"\#(key.line)","done":["key"]"#, #""done":["program"]"#,
        ])
        #expect(inputs.count == 2)
        #expect(inputs[0].contains(#""action":"prepare""#))
        #expect(inputs[0].contains(#"Gateway [fd00::1]:2222\n"#))
        #expect(inputs[0].contains(#"Tree \/shared\/a b\nScan \/shared\/a b\n"#))
        #expect(inputs[0].contains(#"gatehouse-gateway ssh-ed25519"#))
        #expect(inputs[1].contains(#""is_new":true"#))
        #expect(try directory.watchKey(of: "h1")?.material.blob == key.blob)
        #expect(try results[0].get().done == ["key", "program"])
    }

    @Test("what is as it should be is not started anew")
    func again() throws {
        let (inputs, results) = try install([#""key":"\#(key.line)","done":[]"#, #""done":[]"#])
        #expect(inputs[1].contains(#""is_new":false"#))
        #expect(try results[0].get().done.isEmpty)
    }

    @Test("a key that is none changes nothing in the directory, and nothing more is asked of the host")
    func badKey() throws {
        let (inputs, results) = try install([#""key":"ssh-ed25519 nonsense","done":[]"#])
        #expect(inputs.count == 1)
        #expect(throws: KeyError.self) { try results[0].get() }
        #expect(try directory.watchKeys() == [])
    }

    @Test("many are prepared together, and fetch the program twenty at a time")
    func slices() throws {
        let hosts = (10..<55).map { "h\($0)" }
        for host in hosts { try directory.addHost(host, address: "10.0.0.1", keys: []) }
        let keys = try hosts.map { _ in try PrivateKey.generate().publicKey.line }
        let (_, results) = try install(
            keys.map { #""key":"\#($0)","done":["key"]"# }
                + hosts.map { #""done":["program of \#($0)"]"# }, on: hosts)
        #expect(
            host.batches.withLock { $0 }
                == [hosts, Array(hosts[..<20]), Array(hosts[20..<40]), Array(hosts[40...])])
        #expect(try results.map { try $0.get().done } == hosts.map { ["key", "program of \($0)"] })
    }

    @Test("what is fetched is brought its program first, and is fetched when all of it is there")
    func fetched() throws {
        fetcher.state.withLock { $0.answers = [""] }
        let (inputs, results) = try install(
            [#""key":"\#(key.line)","done":["key"],"program":"00""#, #""done":["program"]"#], .fetched)
        #expect(inputs[0].contains(#"Host h1\nFetched yes\n"#) && !inputs[0].contains("Gateway "))
        #expect(
            inputs[0].contains(
                #""fetch_line":"cert-authority,principals=\"gatehouse-fetch@h1\" ssh-ed25519 "#))
        #expect(fetcher.state.withLock { $0.inputs } == [try programBytes()])
        #expect(try results[0].get().isFetched)
        #expect(try directory.watchKey(of: "h1")?.isFetched == true)

        let digest = try #require(inputs[1].split(separator: #""sha256":""#).last?.prefix(64))
        let answers = [#""key":"\#(key.line)","done":[],"program":"\#(digest)""#, #""done":[]"#]
        let again = try install(answers, nil)
        #expect(again.inputs[0].contains("fetch_line") && !again.inputs[0].contains("watch.conf"))
        #expect(fetcher.state.withLock { $0.inputs.count } == 1)
        #expect(try directory.watchKey(of: "h1")?.isFetched == true)

        let back = try install(answers)
        #expect(!back.inputs[0].contains("fetch_line") && back.inputs[0].contains("Gateway "))
        #expect(try directory.watchKey(of: "h1")?.isFetched == false)
    }

    @Test("nothing is fetched from a host whose installation failed")
    func failedFetch() throws {
        let (_, results) = try install(
            [#""key":"\#(key.line)","done":["key"]"#, #""done":"nonsense""#], .fetched)
        #expect(throws: StepError.self) { try results[0].get() }
        #expect(try directory.watchKey(of: "h1")?.isFetched == false)
    }

    private func programBytes() throws -> [UInt8] {
        try Descriptor.open("/bin/true", O_RDONLY).readAll(limit: 1 << 24)
    }

    @Test("a host that there is not keeps no other from its watcher")
    func oneOfTwo() throws {
        let (_, results) = try install(
            [#""key":"\#(key.line)","done":["key"]"#, #""done":["program"]"#], on: ["h0", "h1"])
        #expect(throws: DirectoryError.self) { try results[0].get() }
        #expect(try results[1].get().done == ["key", "program"])
    }
}
