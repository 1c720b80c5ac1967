import Accounts
import Directory
import Support
import TestSupport

/// A directory with alice and bob in group lab, which reaches host c1.
struct Fixture {
    static let time = Timestamp(milliseconds: 1_700_000_000_000)
    static let authority = "ssh-ed25519 AAAA gatehouse-user-ca"

    let folder: TemporaryFolder
    let directory: DirectoryStore

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        _ = try directory.addGroup("lab", at: Self.time)
        _ = try directory.addUser(NewUser("alice", fullName: "Alice A.", groups: ["lab"]), at: Self.time)
        _ = try directory.addUser(NewUser("bob", shell: "/bin/zsh", groups: ["lab"]), at: Self.time)
        _ = try directory.addUser(NewUser("carol"), at: Self.time)
        try directory.addKey(Self.key(1), to: "alice", comment: "alice@laptop", at: Self.time)
        try directory.addHost("c1", address: "10.0.0.1", keys: [Self.key(9)], at: Self.time)
    }

    static func key(_ number: UInt8) -> KeyMaterial {
        let digest = String(repeating: "A", count: 42) + String(number)
        return KeyMaterial(type: "ssh-ed25519", blob: [0, 0, 0, number], fingerprint: "SHA256:\(digest)")
    }

    func grant(_ rights: Rights = Rights(agent: true), until: Timestamp? = nil) throws {
        try directory.addGrant(
            .group("lab"), to: .host("c1"), rights, period: GrantPeriod(until: until), at: Self.time)
    }

    func state(at time: Timestamp = Self.time) throws -> DesiredState {
        try DesiredState(
            of: "c1", in: directory, range: 20_000...59_999, certificateAuthority: Self.authority,
            acceptedEnvironment: ["LANG", "LC_*"], at: time)
    }

    func service(
        _ executor: any HostExecutor, range: ClosedRange<UInt32> = 20_000...59_999
    ) throws -> AccountService {
        AccountService(
            directory: directory, ledger: try AccountLedger(path: folder.file), turns: HostTurns(),
            executor: executor, range: range, certificateAuthority: Self.authority, acceptedEnvironment: [])
    }
}

/// A host that always gives the same answer, and remembers what it was asked.
final class ScriptedHost: HostExecutor {
    let asked = Locked<[(command: String, input: [UInt8], host: String)]>([])
    private let result: ExecutionResult

    init(_ status: Int32, _ output: String, errorOutput: String = "") {
        result = ExecutionResult(
            status: status, output: Array(output.utf8), errorOutput: Array(errorOutput.utf8))
    }

    func run(_ command: String, input: [UInt8], on host: Host) -> ExecutionResult {
        asked.withLock { $0.append((command, input, host.name)) }
        return result
    }
}
