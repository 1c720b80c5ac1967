import Audit
import SQLite
import SSHKeys
import Support
import TestSupport
import Testing

@Suite("The chain of events")
struct ChainTests {
    private let folder: TemporaryFolder
    private let log: EventLog
    private let database: Database
    private let key: PrivateKey

    init() throws {
        folder = try TemporaryFolder()
        log = try EventLog(path: folder.file)
        database = try Database(path: folder.file)
        key = try PrivateKey.generate()
        for number in 1...20 {
            try log.append(
                Event(
                    .refused, at: Timestamp(milliseconds: Int64(number)),
                    user: number.isMultiple(of: 2) ? "u" : nil,
                    detail: ["number": String(number)]))
        }
    }

    private func problems() throws -> [ChainProblem] { try log.check(signedBy: key.publicKey).problems }

    @Test("is whole as long as nobody has touched it")
    func whole() throws {
        let report = try log.check(signedBy: key.publicKey)
        #expect(report == ChainReport(count: 20, first: 1, last: 20))
        #expect(try log.check(signedBy: key.publicKey, isFast: true) == report)
        let empty = try EventLog(path: folder.path + "/empty.db")
        #expect(try empty.check(signedBy: key.publicKey) == ChainReport())
    }

    @Test(
        "names an event of which anything was changed",
        arguments: [
            "time = 8", "kind = 'auth.accepted'", "session = ''", "\"user\" = NULL", "\"user\" = 'v'",
            "host = 'h'",
            "address = 'a'", "detail = '{}'", "hash = zeroblob(32)", "previous = zeroblob(32)", "hash = NULL",
        ])
    func changes(_ change: String) throws {
        try database.execute("UPDATE events SET \(change) WHERE id = 10")
        #expect(try problems().contains(.changed(10)))
        #expect(try problems().allSatisfy { $0 == .changed(10) || $0 == .removed(after: 10, before: 11) })
    }

    @Test("names an event that was written anew together with its hash")
    func rewritten() throws {
        // As the log itself writes it, in another log.
        let other = try EventLog(path: folder.path + "/other.db")
        for event in try log.events(EventQuery(after: 0, limit: 9)) { try other.append(event.event) }
        try other.append(Event(.refused, at: Timestamp(milliseconds: 10), detail: ["number": "forged"]))
        try database.execute("ATTACH '\(folder.path)/other.db' AS other")
        try database.execute(
            """
            UPDATE events SET detail = (SELECT detail FROM other.events WHERE id = 10), "user" = NULL,
            hash = (SELECT hash FROM other.events WHERE id = 10) WHERE id = 10
            """)
        #expect(try problems() == [.changed(10)])
    }

    @Test("names events that were removed, within and at both ends")
    func removals() throws {
        try database.execute("DELETE FROM events WHERE id IN (5, 10, 11)")
        #expect(try problems() == [.removed(after: 4, before: 6), .removed(after: 9, before: 12)])
        try database.execute("DELETE FROM events WHERE id = 1 OR id > 18")
        #expect(
            try problems() == [
                .removed(after: 0, before: 2), .removed(after: 4, before: 6), .removed(after: 9, before: 12),
                .cut(after: 18, of: 20),
            ])
        try database.execute("DELETE FROM events")
        #expect(try problems() == [.cut(after: 0, of: 20)])
    }

    @Test("a chain is not made anew because somebody has taken hashes away")
    func laundering() throws {
        _ = try log.addCheckpoint(signedBy: key)
        try log.append([Event(.refused), Event(.refused)])
        try database.execute(
            "UPDATE events SET \"user\" = 'x' WHERE id = 21; UPDATE events SET hash = NULL WHERE id = 1")
        let again = try EventLog(path: folder.file)
        #expect(try again.check(signedBy: key.publicKey).problems == [.changed(1), .changed(21)])
    }

    @Test(
        "names events where none can be, and survives the highest id",
        arguments: [0, -5, Int64.max - 1, Int64.max])
    func strangePlaces(_ id: Int64) throws {
        try database.execute(
            "INSERT INTO events (id, time, kind, detail, hash) VALUES (\(id), 1, 'refused', '{}', x'00')")
        #expect(try problems().contains(.changed(id)))
        if id > 0 { #expect(try problems().contains(.removed(after: 20, before: id))) }
        if id == .max { #expect(throws: SQLiteError.self) { try log.append(Event(.refused)) } }
    }

    @Test("a log in which nothing is right names some, and says how many more there are")
    func many() throws {
        for _ in 0..<300 { try log.append(Event(.refused)) }
        try database.execute(
            "UPDATE events SET host = 'h'; INSERT INTO event_checkpoints VALUES (1, 'x'), (2, 'y')")
        let report = try log.check(signedBy: key.publicKey)
        #expect(report.problems.count == 102 && report.unnamed == 220)
        #expect(report.problems.suffix(2) == [.unsigned(1), .unsigned(2)])
    }

    @Test("events that are noted during a check are no problem")
    func busy() throws {
        let (log, key) = (log, key)
        let failures = Locked(0)
        runInParallel(2) { index in
            for _ in 0..<60 {
                do {
                    if index == 0 {
                        try log.append(Event(.refused))
                    } else if try !log.check(signedBy: key.publicKey).problems.isEmpty {
                        failures.withLock { $0 += 1 }
                    }
                } catch {
                    failures.withLock { $0 += 1 }
                }
            }
        }
        #expect(failures.withLock { $0 } == 0)
    }

    @Test("names events that have changed places")
    func moves() throws {
        try database.execute(
            "UPDATE events SET id = -1 WHERE id = 7; UPDATE events SET id = 7 WHERE id = 9; UPDATE events SET id = 9 WHERE id = -1"
        )
        #expect(try problems() == [.moved(7, from: 9), .moved(9, from: 7)])
    }

    @Test("a log written anew from some point on is found by a checkpoint, and so is one that ends early")
    func checkpoints() throws {
        let first = try #require(try log.addCheckpoint(signedBy: key))
        #expect(try log.addCheckpoint(signedBy: key) == nil)
        try log.append(Event(.refused))
        let second = try #require(try log.addCheckpoint(signedBy: key))
        #expect([first.event, second.event] == [20, 21])
        #expect(
            try log.check(signedBy: key.publicKey)
                == ChainReport(count: 21, first: 1, last: 21, checkpoints: 2, lastCheckpoint: 21))
        // Everything but the checkpoints is right in itself.
        let forged = try EventLog(path: folder.path + "/forged.db")
        for number in 1...21 { try forged.append(Event(.refused, detail: ["forged": String(number)])) }
        let kept = [first, second].compactMap { Checkpoint(in: "Nov 21 10:00:00 gw gatehouse: \($0.line)") }
        #expect(kept == [first, second])
        #expect(
            try forged.check(signedBy: key.publicKey, and: kept).problems == [
                .contradicted(20), .contradicted(21),
            ])
        let short = try EventLog(path: folder.path + "/short.db")
        try short.append(Event(.refused))
        #expect(
            try short.check(signedBy: key.publicKey, and: [second]).problems
                == [.cut(after: 1, of: 21), .contradicted(21)])
    }

    @Test("a checkpoint counts when the gateway's key has signed it, and as it was signed")
    func signatures() throws {
        let checkpoint = try #require(try log.addCheckpoint(signedBy: key))
        #expect(checkpoint.isSigned(by: key.publicKey))
        #expect(!checkpoint.isSigned(by: try PrivateKey.generate().publicKey))
        let words = checkpoint.line.split(separator: " ")
        for index in 2..<5 {
            var other = words
            other[index] =
                index == 3
                ? "2026-01-01T00:00:00Z" : index == 2 ? "19" : Substring(String(repeating: "a", count: 64))
            let changed = try #require(Checkpoint(in: other.joined(separator: " ")))
            #expect(!changed.isSigned(by: key.publicKey))
        }
        try database.execute("UPDATE event_checkpoints SET line = replace(line, ' 20 ', ' 19 ')")
        #expect(try problems() == [.unsigned(20), .unsigned(19)])
        // Another gateway's, in a log that both write to.
        let other = try EventLog(path: folder.path + "/another.db")
        for _ in 0..<30 { try other.append(Event(.refused)) }
        let theirs = try #require(try other.addCheckpoint(signedBy: try PrivateKey.generate()))
        try database.execute("DELETE FROM event_checkpoints")
        let report = try log.check(signedBy: key.publicKey, and: [theirs, checkpoint])
        #expect(
            report
                == ChainReport(count: 20, first: 1, last: 20, checkpoints: 1, lastCheckpoint: 20, foreign: 1))
    }

    @Test("a quick look takes the newest checkpoint, and sees what came after it")
    func fast() throws {
        _ = try log.addCheckpoint(signedBy: key)
        try log.append([Event(.refused), Event(.refused)])
        try database.execute("UPDATE events SET host = 'h' WHERE id IN (3, 22)")
        #expect(try problems() == [.changed(3), .changed(22)])
        let report = try log.check(signedBy: key.publicKey, isFast: true)
        #expect(report.problems == [.changed(22)])
        #expect(report.count == 2)
    }

    @Test("a log that is gone on with is right from there on, and what was wrong stays so")
    func reseal() throws {
        _ = try log.addCheckpoint(signedBy: key)
        try database.execute(
            "DELETE FROM events WHERE id > 15; UPDATE event_checkpoints SET event = 30; UPDATE events SET host = 'h' WHERE id = 3"
        )
        #expect(try !log.check(signedBy: key.publicKey, isFast: true).problems.isEmpty)
        try log.reseal(with: Event(.eventsResealed), signedBy: key)
        try log.append(Event(.daemonStarted))
        #expect(try log.check(signedBy: key.publicKey, isFast: true).problems.isEmpty)
        #expect(try problems() == [.changed(3), .removed(after: 15, before: 21)])
    }

    @Test("what is no checkpoint is none", arguments: 0..<400)
    func mutations(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let checkpoint = try #require(try log.addCheckpoint(signedBy: key))
        var bytes = Array(checkpoint.line.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let changed = Checkpoint(in: text), changed != checkpoint else { return }
        // Base 64 has a few bits that mean nothing.
        #expect(
            !changed.isSigned(by: key.publicKey)
                || changed.event == checkpoint.event && changed.hash == checkpoint.hash)
    }

    @Test("events of a log without a chain get one, as they are")
    func older() throws {
        let path = folder.path + "/old.db"
        do {
            let old = try Database(path: path)
            try old.execute(
                """
                CREATE TABLE migration (module TEXT NOT NULL, version INTEGER NOT NULL, applied INTEGER NOT NULL,
                    PRIMARY KEY (module, version)) WITHOUT ROWID;
                INSERT INTO migration VALUES ('audit', 1, 0);
                CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, kind TEXT NOT NULL,
                    session TEXT, "user" TEXT, host TEXT, address TEXT, detail TEXT NOT NULL);
                INSERT INTO events (time, kind, detail) VALUES (1, 'daemon.start', '{}'), (2, 'daemon.stop', '{}');
                """)
        }
        let log = try EventLog(path: path)
        try log.append(Event(.daemonStarted))
        #expect(try log.check(signedBy: key.publicKey) == ChainReport(count: 3, first: 1, last: 3))
        #expect(try log.events().map(\.event.kind) == ["daemon.start", "daemon.stop", "daemon.start"])
    }
}
