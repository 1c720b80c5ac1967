import Audit
import SQLite
import Support
import TestSupport
import Testing

@Suite("Sessions in the log")
struct SessionLogTests {
    private let folder: TemporaryFolder
    private let log: EventLog

    init() throws {
        folder = try TemporaryFolder()
        log = try EventLog(path: folder.file)
    }

    private func session(_ id: String, user: String? = nil) -> Session {
        Session(id: id, user: user, clientAddress: "127.0.0.1:40000", started: Timestamp(milliseconds: 10))
    }

    @Test("give back every field")
    func roundTrip() throws {
        var session = Session(
            id: "S1", user: "alice", target: "communal", host: "communal1", keyFingerprint: "SHA256:x",
            clientAddress: "[::1]:1", clientVersion: "OpenSSH_9", started: Timestamp(milliseconds: 5),
            process: SessionProcess(pid: 4_242, start: .max))
        session.bytesFromClient = 1
        session.bytesToClient = 2
        session.exitStatus = -1
        session.exitSignal = "KILL"
        session.journalOffset = 7
        try log.start(session)
        #expect(try log.session("S1") == session)
        #expect(try log.session("S2") == nil)
    }

    @Test("begin once")
    func startOnce() throws {
        try log.start(session("S1"), with: [Event(.sessionStarted, session: "S1")])
        let log = log
        let again = session("S1")
        let error = #expect(throws: AuditError.self) {
            try log.start(again, with: [Event(.sessionStarted, session: "S1")])
        }
        #expect(error?.code == .sessionExists)
        #expect(try log.events().count == 1)
    }

    @Test("keep what an update does not mention")
    func update() throws {
        try log.start(session("S1", user: "alice"))
        try log.update("S1", SessionUpdate(host: "h1", bytesFromClient: 5))
        try log.update("S1", SessionUpdate(bytesToClient: .max), with: Event(.hostConnected, session: "S1"))
        let found = try #require(try log.session("S1"))
        #expect(found.user == "alice")
        #expect(found.host == "h1")
        #expect(found.bytesFromClient == 5)
        #expect(found.bytesToClient == UInt64(Int64.max))
        #expect(try log.events().map(\.event.kind) == ["host.connected"])
    }

    @Test("say how the last program ended, not an earlier one")
    func exits() throws {
        try log.start(session("S1"))
        try log.update("S1", SessionUpdate(exitSignal: "KILL"))
        try log.update("S1", SessionUpdate(exitStatus: 0))
        #expect(try log.session("S1")?.exitSignal == nil)
        try log.update("S1", SessionUpdate(exitSignal: "TERM"))
        try log.update("S1", SessionUpdate(bytesToClient: 1))
        #expect(try log.session("S1")?.exitSignal == "TERM")
        #expect(try log.session("S1")?.exitStatus == nil)
    }

    @Test("end once, with the first reason")
    func endOnce() throws {
        try log.start(session("S1"))
        let update = SessionUpdate(exitStatus: 3)
        #expect(try log.end("S1", at: Timestamp(milliseconds: 20), reason: "client left", update))
        #expect(
            try !log.end("S1", at: Timestamp(milliseconds: 30), reason: "again", with: Event(.sessionEnded)))
        let found = try #require(try log.session("S1"))
        #expect(found.ended == Timestamp(milliseconds: 20))
        #expect(found.endReason == "client left")
        #expect(found.exitStatus == 3)
        #expect(try log.events().isEmpty)
    }

    @Test("that are not there are an error that says so, and changes nothing")
    func unknown() throws {
        let log = log
        let event = Event(.refused)
        for attempt: () throws -> Void in [
            { try log.update("S9", SessionUpdate(), with: event) },
            { try log.end("S9", reason: "", with: event) },
            { try log.ingest(session: "S9", from: 0, to: 1, events: [event]) },
        ] {
            #expect(#expect(throws: AuditError.self, performing: attempt)?.code == .notFound)
        }
        #expect(try log.events().isEmpty)
    }

    @Test("are listed live or all, by user")
    func lists() throws {
        for (id, user) in [("S1", "alice"), ("S2", "bob"), ("S3", "alice")] {
            try log.start(session(id, user: user))
        }
        try log.end("S1", reason: "over")
        #expect(try log.liveSessions().map(\.id) == ["S2", "S3"])
        #expect(try log.sessions().map(\.id) == ["S3", "S2", "S1"])
        #expect(try log.sessions(limit: 1).map(\.id) == ["S3"])
        #expect(try log.sessions(user: "alice").map(\.id) == ["S3", "S1"])
    }

    @Test("take in each piece of a journal exactly once")
    func ingestion() throws {
        try log.start(session("S1"))
        let piece = [Event(.channelOpened, session: "S1"), Event(.refused, session: "S1")]
        #expect(
            try log.ingest(session: "S1", from: 0, to: 100, events: piece, SessionUpdate(bytesToClient: 9)))
        #expect(try !log.ingest(session: "S1", from: 0, to: 100, events: piece))
        #expect(try !log.ingest(session: "S1", from: 0, to: 60, events: piece))
        let log = log
        for (from, end) in [(50, 150), (120, 150)] as [(Int64, Int64)] {
            let error = #expect(throws: AuditError.self) {
                try log.ingest(session: "S1", from: from, to: end, events: piece)
            }
            #expect(error?.code == .journalGap)
        }
        let end = SessionEnd(at: Timestamp(milliseconds: 99), reason: "client left")
        #expect(try log.ingest(session: "S1", from: 100, to: 150, events: [], SessionUpdate(end: end)))
        #expect(try log.events().count == 2)
        let found = try #require(try log.session("S1"))
        #expect(found.journalOffset == 150)
        #expect(found.bytesToClient == 9)
        #expect(found.ended == end.time)
        #expect(found.endReason == "client left")
    }

    @Test("take in a piece wholly or not at all")
    func atomicIngestion() throws {
        try log.start(session("S1"))
        let database = try Database(path: folder.file)
        try database.execute(
            """
            CREATE TRIGGER fail BEFORE INSERT ON events WHEN NEW.kind = 'refused'
            BEGIN SELECT raise(ABORT, 'no'); END
            """)
        let log = log
        let piece = [Event(.channelOpened, session: "S1"), Event(.refused, session: "S1")]
        #expect(throws: SQLiteError.self) { try log.ingest(session: "S1", from: 0, to: 9, events: piece) }
        #expect(try log.events().isEmpty)
        #expect(try log.session("S1")?.journalOffset == 0)
        try database.execute("DROP TRIGGER fail")
        #expect(try log.ingest(session: "S1", from: 0, to: 9, events: piece))
        #expect(try log.events().count == 2)
    }

    @Test("are taken in once by racing readers of the same journal")
    func racingIngestion() throws {
        try log.start(session("S1"))
        let other = try EventLog(path: folder.file)
        let log = log
        let taken = Locked(0)
        runInParallel(4) { index in
            let reader = index % 2 == 0 ? log : other
            let piece = [Event(.channelOpened, session: "S1")]
            if (try? reader.ingest(session: "S1", from: 0, to: 10, events: piece)) == true {
                taken.withLock { $0 += 1 }
            }
        }
        #expect(taken.withLock { $0 } == 1)
        #expect(try log.events().count == 1)
    }
}
