import Audit
import Control
import FileTransfers
import Glibc
import Monitor
import Support
import Testing

/// A folder of its own with an event log, gone with the object.
private final class Scratch {
    let path: String
    let log: EventLog
    let session = SessionID()

    init() throws {
        var template = Array("/tmp/gatehouse-journal-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        log = try EventLog(path: path + "/book.db")
        try log.start(
            Session(id: session.description, user: "alice", host: "gpu1", clientAddress: "192.0.2.1"))
    }

    deinit {
        for name in [session.description, "book.db", "book.db-wal", "book.db-shm"] {
            _ = unsafe unlink("\(path)/\(name)")
        }
        _ = unsafe rmdir(path)
    }

    func kinds() throws -> [String] {
        try log.events(EventQuery(session: session.description)).map(\.event.kind)
    }
}

@Suite("A session's journal")
struct JournalTests {
    private let records: [JournalRecord] = [
        .channelOpened(kind: "session", detail: "exec"), .traffic(fromClient: 10, toClient: 20),
        .refused(what: "direct-tcpip", reason: "no"), .programEnded(kind: "exec", status: 7, signal: nil),
        .traffic(fromClient: 11, toClient: 22), .ended(reason: "closed by the client"),
    ]

    @Test("is taken in exactly once, however often and in whatever pieces it is read", arguments: 1...6)
    func once(_ pieces: Int) throws {
        let scratch = try Scratch()
        let (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
        var reader = JournalReader(journal)
        let bytes = records.flatMap { $0.encoded(at: .now) }
        let size = (bytes.count + pieces - 1) / pieces
        for start in stride(from: 0, to: bytes.count, by: size) {
            try writer.writeAll(bytes[start..<min(start + size, bytes.count)])
            try reader.ingest(into: scratch.log, host: nil)
            // Another daemon begins from the front.
            var other = JournalReader(journal)
            try other.ingest(into: scratch.log, host: nil)
            #expect(other.endReason == reader.endReason)
        }
        #expect(try scratch.kinds() == ["channel.open", "refused"])
        #expect(reader.endReason == "closed by the client")
        let row = try #require(try scratch.log.session(scratch.session.description))
        #expect(row.bytesFromClient == 11)
        #expect(row.bytesToClient == 22)
        #expect(row.exitStatus == 7)
        #expect(row.journalOffset == Int64(bytes.count))
    }

    @Test("tells of files what there is to tell, with paths that cannot forge anything")
    func files() throws {
        let scratch = try Scratch()
        let (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
        var written = FileOperation(.write, path: Array("/shared/a\n\u{1B}[2J".utf8) + [0xFF], result: "ok")
        written.bytesWritten = 3
        written.attributes = "mode=0600"
        written.digest = [UInt8](repeating: 0xAB, count: 32)
        var renamed = FileOperation(.rename, path: Array("a".utf8), result: "cut off")
        renamed.other = Array("b".utf8)
        for record in [
            JournalRecord.fileOperation(written), .fileOperation(renamed), .filesUnfollowed(reason: "why"),
        ] {
            try writer.writeAll(record.encoded(at: .now))
        }
        var reader = JournalReader(journal)
        try reader.ingest(into: scratch.log, host: nil)
        let events = try scratch.log.events(EventQuery(session: scratch.session.description)).map(\.event)
        #expect(events.map(\.kind) == ["file.operation", "file.operation", "file.unfollowed"])
        #expect(
            events.map(\.detail) == [
                [
                    "operation": "write", "path": #"/shared/a\n\x1b[2J\xff"#, "bytes_written": "3",
                    "result": "ok", "attributes": "mode=0600",
                    "sha256": String(repeating: "ab", count: 32),
                ], ["operation": "rename", "path": "a", "other": "b", "result": "cut off"],
                ["reason": "why"],
            ])
    }

    @Test("says which jumps are over, by the host to which each led, and no other channels")
    func jumps() throws {
        let scratch = try Scratch()
        let (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
        var reader = JournalReader(journal)
        for (kind, detail) in [
            ("jump", "gpu1:22"), ("direct-tcpip", "gpu2:80"), ("jump", "gpu3:2022 as gpus:22"),
            ("jump", "gpu1:22"),
        ] {
            let record = JournalRecord.channelClosed(
                kind: kind, detail: detail, fromClient: 1, toClient: 2, milliseconds: 3)
            try writer.writeAll(record.encoded(at: .now))
        }
        #expect(try reader.ingest(into: scratch.log, host: nil) == ["gpu1", "gpu3", "gpu1"])
        #expect(try reader.ingest(into: scratch.log, host: nil) == [])
    }

    @Test("that was damaged is an error and leaves what came before")
    func damaged() throws {
        let scratch = try Scratch()
        let (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
        var reader = JournalReader(journal)
        try writer.writeAll(records[0].encoded(at: .now))
        try reader.ingest(into: scratch.log, host: nil)
        try writer.writeAll([0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3])
        #expect(throws: WireError.self) { try reader.ingest(into: scratch.log, host: nil) }
        #expect(try scratch.kinds() == ["channel.open"])
    }

    @Test("of random bytes never traps")
    func random() throws {
        let scratch = try Scratch()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
            try writer.writeAll((0..<200).map { _ in UInt8.random(in: 0...20, using: &generator) })
            var reader = JournalReader(journal)
            _ = try? reader.ingest(into: scratch.log, host: nil)
            journal.remove()
        }
    }

    @Test("holds times within the session's life only")
    func clock() throws {
        let scratch = try Scratch()
        let (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
        for time in [0, Int64.max] {
            try writer.writeAll(records[0].encoded(at: Timestamp(milliseconds: time)))
        }
        var reader = JournalReader(journal)
        try reader.ingest(into: scratch.log, host: nil)
        let started = try #require(try scratch.log.session(scratch.session.description)).started
        for event in try scratch.log.events(EventQuery(session: scratch.session.description)) {
            #expect(event.event.time >= started)
            #expect(event.event.time <= .now)
        }
    }

    @Test("tells by its lock whether the session lives")
    func lock() throws {
        let scratch = try Scratch()
        var writer: Descriptor?
        let journal: JournalFile
        (journal, writer, _) = try JournalFile.create(for: scratch.session, in: scratch.path)
        var copy: Descriptor? = try writer?.duplicate()
        writer = nil
        #expect(try journal.isHeld())
        #expect(throws: SystemError.self) { try JournalFile.create(for: scratch.session, in: scratch.path) }
        #expect(try JournalFile.sessions(in: scratch.path) == [scratch.session])
        _ = copy?.number
        copy = nil
        #expect(try !journal.isHeld())
    }
}
