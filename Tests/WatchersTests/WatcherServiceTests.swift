import Accounts
import Directory
import SSHKeys
import Support
import TestSupport
import Testing
import Watchers

/// Keeps what the step is given and answers one report after the other.
private final class Host1: HostExecutor {
    let state = Locked((answers: [String](), inputs: [[UInt8]]()))

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
    private let service: WatcherService
    private let key: PublicKey

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        try directory.addHost("h1", address: "10.0.0.1", keys: [])
        try directory.addTree(NewTree("/shared/a b", targets: ["h1"]))
        key = try PrivateKey.generate().publicKey
        service = WatcherService(
            directory: directory, executor: host, programPath: "/bin/true",
            hostKeys: [try PrivateKey.generate().publicKey])
    }

    private func install(sha256: String) throws -> [[UInt8]] {
        host.state.withLock { state in
            state.inputs = []
            state.answers = [
                #""sha256":"\#(sha256)","version":"","services":{},"waiting":0,"pam":false"#,
                #""key":"\#(key.line)","done":["key"]"#, #""key":"\#(key.line)","done":[]"#,
            ]
        }
        _ = try service.install(
            on: "h1", WatcherOptions(gateway: TCPAddress(host: "fd00::1", port: 2_222)))
        return host.state.withLock { $0.inputs }
    }

    @Test(
        "the program goes along only where it is not there yet, and the key may deliver before anything is started"
    )
    func program() throws {
        let inputs = try install(sha256: "none")
        #expect(inputs.count == 3)
        #expect(inputs[1].count > inputs[2].count + 10_000)
        #expect(try directory.watchKey(of: "h1")?.material.blob == key.blob)
        let settings = String(decoding: inputs[2].suffix(2_000), as: UTF8.self)
        #expect(settings.contains(#"Gateway [fd00::1]:2222\n"#))
        #expect(settings.contains(#"Tree \/shared\/a b\nScan \/shared\/a b\n"#))
        #expect(settings.contains(#"gatehouse-gateway ssh-ed25519"#))
    }

    @Test("a key that is none changes nothing in the directory")
    func badKey() throws {
        host.state.withLock { state in
            state.answers = [
                #""version":"","services":{},"waiting":0,"pam":false"#,
                #""key":"ssh-ed25519 nonsense","done":[]"#,
            ]
        }
        #expect(throws: KeyError.self) {
            try service.install(on: "h1", WatcherOptions(gateway: TCPAddress(host: "g", port: 22)))
        }
        #expect(try directory.watchKeys() == [])
    }
}
