import Accounts
import Audit
import Authentication
import Commands
import Configuration
import Directory
import Inventory
import OneTimeCodes
import Ownership
import SSHKeys
import Sharing
import Support
import TestSupport
import Watchers

/// A gateway without a network: a real directory and event log in a folder of its own, and a daemon that only notes what it is asked.
final class Gateway: Sendable {
    let services: CommandServices
    let daemon: QuietDaemon
    private let files: TemporaryFolder

    var folder: String { files.path }

    static let now = Timestamp(milliseconds: 1_790_000_000_000)

    /// - Parameter people: makes alice and bob in group lab, ada the admin, communal1 in the pool communal and a grant.
    init(people: Bool = true) throws {
        files = try TemporaryFolder()
        let folder = files.path
        daemon = QuietDaemon()
        let directory = try DirectoryStore(path: "\(folder)/gatehouse.db")
        var services = CommandServices(
            directory: directory,
            events: try EventLog(path: "\(folder)/gatehouse.db"),
            book: try BookStore(path: "\(folder)/book.db"),
            configuration: Configuration(),
            gateway: GatewayKeys(
                userAuthority: try PublicKey.parse(Self.key(1)), hostKeys: [try PublicKey.parse(Self.key(2))],
                eventKey: try PublicKey.parse(Self.key(5))),
            codes: CodeDesk(
                directory: directory,
                key: try CodeKey([UInt8](repeating: 7, count: CodeKey.byteCount)),
                guesses: try GuessLedger(path: "\(folder)/gatehouse.db")),
            applier: daemon, sessions: daemon, scanner: daemon, inventory: daemon,
            hostWork: try Self.hostWork(folder, daemon), conditions: daemon,
            wall: { [daemon] text, host in try daemon.wall(text, on: host) })
        services.now = { Self.now }
        self.services = services
        guard people else { return }
        _ = try directory.addGroup("lab", at: Self.now)
        _ = try directory.addUser(NewUser("alice", fullName: "Alice L", groups: ["lab"]), at: Self.now)
        _ = try directory.addUser(NewUser("bob", groups: ["lab"]), at: Self.now)
        _ = try directory.addUser(NewUser("ada", isAdmin: true), at: Self.now)
        try directory.addKey(try Self.material(3), to: "alice", comment: "alice@laptop", at: Self.now)
        try directory.addHost("communal1", address: "10.77.0.11", keys: [try Self.material(4)], at: Self.now)
        try directory.addPool("communal", at: Self.now)
        try directory.join(["communal1"], to: "communal")
        try directory.addGrant(.group("lab"), to: .pool("communal"), Rights(agent: true), at: Self.now)
    }

    /// Steps of hosts that answer what the daemon is told, without a host.
    private static func hostWork(_ folder: String, _ daemon: QuietDaemon) throws -> HostWork {
        let directory = try DirectoryStore(path: "\(folder)/gatehouse.db")
        let ledger = try SharingLedger(path: "\(folder)/gatehouse.db")
        return HostWork(
            sharing: SharingService(directory: directory, ledger: ledger, executor: daemon), ledger: ledger,
            watchers: WatcherService(
                directory: directory, executor: daemon, fetcher: daemon, programPath: "/bin/true",
                hostKeys: [try PublicKey.parse(Self.key(2))], authority: try PublicKey.parse(Self.key(1))),
            report: { name in daemon.state.withLock { $0.watchers[name] } },
            filesOf: { uid in daemon.state.withLock { $0.files[uid] ?? [] } })
    }

    /// An Ed25519 public key that is different for each number.
    static func key(_ number: UInt8, comment: String = "") -> String {
        var blob = WireWriter()
        blob.string("ssh-ed25519")
        blob.data([UInt8](repeating: number, count: 32))
        return "ssh-ed25519 \(Base64.encode(blob.bytes))" + (comment.isEmpty ? "" : " \(comment)")
    }

    static func material(_ number: UInt8) throws -> KeyMaterial {
        let key = try PublicKey.parse(key(number))
        return KeyMaterial(type: key.type.rawValue, blob: key.blob, fingerprint: key.fingerprint)
    }

    static let root = Caller.operatorOnMachine(uid: 0)
    static let alice = Caller.user(
        name: "alice", role: .user, session: "01JD0000000000000000000000", address: "192.0.2.1")
    static let ada = Caller.user(
        name: "ada", role: .admin, session: "01JD0000000000000000000001", address: "192.0.2.2")

    static let audrey = Caller.user(
        name: "audrey", role: .auditor, session: "01JD0000000000000000000002", address: "192.0.2.3")

    /// Runs a line, split on blanks.
    @discardableResult
    func run(_ line: String, as caller: Caller = root, on terminal: Transcript = Transcript()) -> ExitCode {
        let words = line.split(separator: " ").map(String.init)
        return CommandService(services).run(words, for: caller, on: terminal)
    }

    /// Runs a line that must succeed: what it prints.
    func output(of line: String, as caller: Caller = root) -> String {
        let terminal = Transcript()
        let code = run(line, as: caller, on: terminal)
        return code == .success ? terminal.output : "exit \(code.rawValue): \(terminal.errors)"
    }

    /// The details of all changes of the directory in the event log.
    func changes() throws -> [[String: String]] {
        try services.events.events(EventQuery(kind: .directoryChanged)).map(\.event.detail)
    }
}

/// Notes what commands ask of the daemon.
final class QuietDaemon: AccountApplier, SessionControl, HostKeyScanner, InventoryService, HostExecutor,
    HostConditions
{
    struct State {
        var ended: [String] = []
        var report = AccountReport(changed: false)
        /// What comes of an adoption.
        var adoption = AccountReport(changed: false)
        var drifted: [String: String] = [:]
        var failures: [String: CommandError] = [:]
        var status: [AccountStatus] = []
        /// What was asked of hosts.
        var asked: [String] = []
        var hostKeys: [[UInt8]] = []
        /// What the cloud tells, and how it goes.
        var outcome = InventoryOutcome(plan: InventoryPlan())
        var instance: ObservedInstance?
        var condition = InventoryCondition()
        var instanceKeys: [KeyMaterial] = []
        /// What steps on hosts answer, one after the other, and what they were given.
        var answers: [(status: Int32, report: String)] = []
        var steps: [String] = []
        var watchers: [String: WatcherReport] = [:]
        var files: [UInt32: [TransferItem]] = [:]
        var conditions: [String: HostCondition] = [:]
        var walls: [String] = []
    }

    func condition(of host: String) -> HostCondition {
        state.withLock { $0.conditions[host] } ?? HostCondition()
    }

    func wall(_ text: String, on host: Host) throws {
        try state.withLock { state in
            if let failure = state.failures[host.name] { throw failure }
            state.walls.append("\(host.name): \(text)")
        }
    }

    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        state.withLock { state in
            let wanted = String(decoding: input.suffix(2_000), as: UTF8.self)
            state.steps.append("\(host.name) " + (wanted.split(separator: "\n").last.map(String.init) ?? ""))
            let answer =
                state.answers.isEmpty
                ? (status: 0, report: #"{"schema":1,"errors":[],"changed":false,"remarks":[]}"#)
                : state.answers.removeFirst()
            return ExecutionResult(status: answer.status, output: Array(answer.report.utf8))
        }
    }

    let state = Locked(State())

    func apply(to host: String, adopting adopted: [String]) throws -> AccountReport {
        try state.withLock { state in
            state.asked.append("apply \(([host] + adopted).joined(separator: " "))")
            if let failure = state.failures[host] { throw failure }
            return adopted.isEmpty ? state.report : state.adoption
        }
    }

    func apply(toEach hosts: [String]) -> [Result<AccountReport, any Error>] {
        hosts.map { host in Result { try apply(to: host, adopting: []) } }
    }

    func plan(forEach hosts: [String]) -> [Result<AccountCheck, any Error>] {
        hosts.map { host in Result { try plan(for: host, adopting: []) } }
    }

    func plan(for host: String, adopting adopted: [String]) throws -> AccountCheck {
        try state.withLock { state in
            state.asked.append("plan \(([host] + adopted).joined(separator: " "))")
            if let failure = state.failures[host] { throw failure }
            return AccountCheck(
                report: adopted.isEmpty ? state.report : state.adoption, drifted: state.drifted)
        }
    }

    func status(of host: String) throws -> [AccountStatus] {
        state.withLock { state in state.status.filter { $0.host == host } }
    }

    func kill(_ session: String) -> Bool { session == "01JD0000000000000000000000" }

    func jumps(of session: String) -> [String] { [] }

    func endSessions(ofUser name: String) -> Int {
        state.withLock { $0.ended.append(name) }
        return 2
    }

    func scan(address: String, port: UInt16) throws -> [[UInt8]] { state.withLock { $0.hostKeys } }

    func importHosts(
        _ selection: InstanceSelection, isRehearsal: Bool, by caller: String
    ) throws -> InventoryOutcome {
        state.withLock { state in
            state.asked.append(
                "import \(selection.instances + selection.tags.map(\.key)) \(isRehearsal) \(caller)")
            return state.outcome
        }
    }

    func refresh(isRehearsal: Bool, by caller: String) throws -> InventoryOutcome {
        state.withLock { state in
            state.asked.append("refresh \(isRehearsal) \(caller)")
            return state.outcome
        }
    }

    func lookUp(_ instance: String) throws -> ObservedInstance? { state.withLock { $0.instance } }

    func hostKeys(of host: Host) throws -> [KeyMaterial] { state.withLock { $0.instanceKeys } }

    var condition: InventoryCondition { state.withLock { $0.condition } }
}
