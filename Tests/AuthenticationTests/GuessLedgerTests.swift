import Authentication
import Configuration
import Directory
import Support
import TestSupport
import Testing

@Suite("What is kept of guessed secrets")
struct GuessLedgerTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    @Test("a restart sets nobody free, and forgets nobody's places")
    func survives() throws {
        let folder = try TemporaryFolder()
        _ = try DirectoryStore(path: folder.file)
        let ledger = try GuessLedger(path: folder.file)
        for _ in 0..<3 { _ = try ledger.admit(.code, of: "alice", from: "192.0.2.1", at: now) }
        try ledger.noteSuccess(.code, of: "bob", from: "192.0.2.9", at: now)
        let records = ledger.records(of: "alice", at: now)
        let again = try GuessLedger(path: folder.file)
        #expect(again.records(of: "alice", at: now) == records)
        #expect(again.records(of: "bob", at: now).map(\.lastSuccess) == [now])
        #expect(
            try again.admit(.code, of: "alice", from: "192.0.2.1", at: now) == .refused(for: .seconds(10)))
        try again.clear(user: "alice")
        #expect(try GuessLedger(path: folder.file).records(of: "alice", at: now).isEmpty)
    }

    @Test("threads that try at once get no more than one that tries alone")
    func threads() throws {
        let folder = try TemporaryFolder()
        let ledger = try GuessLedger(path: folder.file)
        let admitted = Locked(0)
        let time = now
        runInParallel(16) { _ in
            for _ in 0..<10 {
                if case .admitted? = try? ledger.admit(.code, of: "alice", from: "192.0.2.1", at: time) {
                    admitted.withLock { $0 += 1 }
                }
            }
        }
        #expect(admitted.withLock { $0 } == 3)
    }
}
