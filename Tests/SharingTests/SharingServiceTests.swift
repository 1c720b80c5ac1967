import Accounts
import Directory
import Sharing
import Support
import TestSupport
import Testing

/// Answers of hosts, one after the other; a host that is named as away cannot be reached.
private final class Hosts: HostExecutor {
    struct Away: Error {}

    /// A host that answers so has begun, and is not heard of again.
    static let silence = "silence"

    let state = Locked((answers: [String](), away: Set<String>(), asked: [String](), status: Int32(0)))

    func run(_ command: String, input: [UInt8], on host: Host) throws -> ExecutionResult {
        try state.withLock { state in
            if state.away.contains(host.name) { throw Away() }
            state.asked.append(host.name)
            let report = state.answers.isEmpty ? "" : state.answers.removeFirst()
            if report == Self.silence { throw AccountError(.failed, "it was not heard of again") }
            return ExecutionResult(status: state.status, output: Array(report.utf8))
        }
    }
}

@Suite("Work on files of hosts")
struct SharingServiceTests {
    private let folder: TemporaryFolder
    private let directory: DirectoryStore
    private let ledger: SharingLedger
    private let hosts = Hosts()
    private let service: SharingService
    private static let time = Timestamp(milliseconds: 1_700_000_000_000)

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        ledger = try SharingLedger(path: folder.file)
        service = SharingService(directory: directory, ledger: ledger, executor: hosts)
        for name in ["h1", "h2"] { try directory.addHost(name, address: "10.0.0.1", keys: []) }
        for name in ["alice", "bob"] { _ = try directory.addUser(NewUser(name)) }
        try directory.addTree(NewTree("/t", targets: ["h1", "h2"], scanner: "h2"))
    }

    private func answer(_ reports: String...) {
        hosts.state.withLock { state in
            state.answers += reports.map {
                #"{"schema":1,"errors":[],"changed":true,"remarks":[],"# + $0 + "}"
            }
        }
    }

    private func share(_ path: String, writes: Bool = false, until: Timestamp? = nil) throws -> ShareOutcome {
        answer(#""owner":5,"inode":7,"reads":true,"writes":false,"count":1"#)
        let bob = try directory.user("bob")
        return try service.share(
            path, with: .user(uid: bob.uid, name: "bob"), writes: writes, until: until, caller: nil,
            creator: "test", at: Self.time)
    }

    @Test("the host that walks the tree is asked, and another one where it is away")
    func routes() throws {
        _ = try share("/t/a")
        hosts.state.withLock { $0.away = ["h2"] }
        _ = try share("/t/b")
        #expect(hosts.state.withLock { $0.asked } == ["h2", "h1"])
        hosts.state.withLock { $0.away = ["h1", "h2"] }
        #expect(throws: Hosts.Away.self) { _ = try share("/t/c") }
    }

    @Test("the same share again is one share, with its last rights")
    func again() throws {
        let first = try share("/t/a")
        let second = try share("/t/a", writes: true, until: Self.time + .seconds(60))
        #expect(first.share.id == second.share.id)
        #expect(try ledger.liveShares().map(\.writes) == [true])
        #expect(try ledger.expiredShares(at: Self.time) == [])
        let due = try ledger.expiredShares(at: Self.time + .seconds(60))
        #expect(due.map(\.id) == [first.share.id])
        answer(#""gone":true"#)
        #expect(try !service.unshare(#require(due.first)))
        #expect(try ledger.liveShares() == [])
        #expect(try share("/t/a").share.id != first.share.id)
    }

    @Test("what the host refuses, and what is no report, is no share")
    func refused() throws {
        hosts.state.withLock { state in
            state.status = 20
            state.answers = [#"{"schema":1,"errors":["it is theirs already"]}"#, "Traceback", "{}", ""]
        }
        let bob = try directory.user("bob")
        for code in [StepError.Code.conflict, .badReport, .badReport, .badReport] {
            let error = #expect(throws: StepError.self) {
                try service.share(
                    "/t/a", with: .user(uid: bob.uid, name: "bob"), writes: false, until: nil, caller: nil,
                    creator: "test")
            }
            #expect(error?.code == code)
        }
        #expect(try ledger.liveShares() == [])
    }

    @Test("what may have begun on one host is not done on another, and what was noted before can be undone")
    func doubt() throws {
        let (alice, bob) = (try directory.user("alice"), try directory.user("bob"))
        answer(#""items":[{"gid":1,"inode":1}]"#)
        hosts.state.withLock { $0.answers.append(Hosts.silence) }
        // The other host would say that they are alice's already.
        answer(#""items":[{"why":"it belongs to alice already"}]"#)
        let error = #expect(throws: AccountError.self) {
            try service.transfer(
                [TransferItem(tree: "/t", path: Array("a".utf8))], from: bob, to: alice, creator: "test")
        }
        #expect(hosts.state.withLock { $0.asked } == ["h2", "h2"])
        let id = try #require(try ledger.transfers(limit: 1).first?.id)
        #expect(error?.hint?.contains("--undo \(id)'") == true)
        hosts.state.withLock { $0.answers = [] }
        answer(#""items":[{"gid":1,"inode":1}]"#)
        #expect(try service.undoTransfer(id).count == 1)
    }

    @Test("a transfer is noted before it is done, and undone with what was noted")
    func transfer() throws {
        let (alice, bob) = (try directory.user("alice"), try directory.user("bob"))
        let items = ["a", "b"].map { TransferItem(tree: "/t", path: Array($0.utf8)) }
        answer(#""items":[{"gid":1,"inode":1},{"gid":2,"inode":2}]"#)
        // The host goes away in the middle: what was noted can be undone.
        #expect(throws: (any Error).self) {
            _ = try service.transfer(items, from: bob, to: alice, creator: "test")
        }
        let id = try #require(try ledger.transfers(limit: 1).first?.id)
        answer(#""items":[{"gid":1,"inode":1},{"why":"it belongs to uid 3 now"}]"#)
        let undone = try service.undoTransfer(id)
        #expect(undone.count == 1)
        #expect(undone.left.map(\.path) == ["/t/b"])
        #expect(throws: DirectoryError.self) { try service.undoTransfer(id) }
    }
}
