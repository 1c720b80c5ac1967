import Audit
import SQLite
import Support
import TestSupport
import Testing

@Suite("The event log")
struct EventLogTests {
    private let folder: TemporaryFolder
    private let log: EventLog

    init() throws {
        folder = try TemporaryFolder()
        log = try EventLog(path: folder.file)
    }

    private func time(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    @Test("gives back events as they were noted")
    func roundTrip() throws {
        let event = Event(
            .authenticationAccepted, at: time(1_234), session: "S1", user: "alice", host: "h1",
            address: "127.0.0.1:5000", detail: ["b": "\"quoted\"\n/é", "a": ""])
        let id = try log.append(event)
        #expect(try log.events().map(\.event) == [event])
        #expect(try log.events().map(\.id) == [id])
        #expect(try log.lastEventID() == id)
    }

    @Test("keeps detail as JSON with sorted keys")
    func detailText() throws {
        let detail = ["z": "1", "a": "x/y", "m": "\u{1}\u{1F}\"\\\né"]
        try log.append(Event(.refused, at: time(1), detail: detail))
        let database = try Database(path: folder.file)
        let text = try database.first("SELECT detail FROM events") { $0.text(0) }
        #expect(text == #"{"a":"x/y","m":"\u0001\u001f\"\\\u000aé","z":"1"}"#)
    }

    @Test("knows every kind by its name", arguments: EventKind.allCases)
    func kinds(_ kind: EventKind) throws {
        try log.append(Event(kind, at: time(1)))
        #expect(try log.events(EventQuery(kind: kind)).map(\.event.kind) == [kind.rawValue])
        let names = [
            "auth.accepted", "auth.rejected", "auth.limited", "auth.recovered", "session.start",
            "session.end", "channel.open",
            "channel.close", "refused",
            "host.connected", "host.failed", "host.state", "host.wake", "host.sleep", "host.replaced",
            "host.keys", "host.health", "host.drained", "host.undrained", "inventory",
            "command.run", "directory.changed", "account.applied",
            "account.drifted", "account.failed", "watcher.connected", "watcher.silent", "watcher.back",
            "watcher.refused", "watcher.gap", "file.operation", "file.unfollowed", "file.shared",
            "file.unshared",
            "file.transferred",
            "recording.start", "recording.end", "recording.failed", "recording.viewed", "recording.removed",
            "events.resealed", "daemon.start", "daemon.stop",
        ]
        #expect(names.contains(kind.rawValue))
    }

    @Test("filters by every field, newest first to be kept, oldest first to be shown")
    func queries() throws {
        try log.append([
            Event(.sessionStarted, at: time(1), session: "S1", user: "alice"),
            Event(.channelOpened, at: time(2), session: "S1", user: "alice"),
            Event(.sessionStarted, at: time(3), session: "S2", user: "bob"),
            Event(.channelOpened, at: time(4), session: "S2", user: "bob"),
            Event(.daemonStopped, at: time(5)),
        ])
        func times(_ query: EventQuery) throws -> [Int64] {
            try log.events(query).map(\.event.time.milliseconds)
        }
        #expect(try times(EventQuery()) == [1, 2, 3, 4, 5])
        #expect(try times(EventQuery(limit: 2)) == [4, 5])
        #expect(try times(EventQuery(limit: 0)) == [])
        #expect(try times(EventQuery(limit: -1)) == [])
        #expect(try times(EventQuery(user: "alice")) == [1, 2])
        #expect(try times(EventQuery(session: "S2")) == [3, 4])
        #expect(try times(EventQuery(kind: .channelOpened)) == [2, 4])
        #expect(try times(EventQuery(user: "bob", kind: .channelOpened)) == [4])
        #expect(try times(EventQuery(user: "' OR 1=1 --")) == [])
        let first = try #require(try log.events().first).id
        #expect(try times(EventQuery(after: first, limit: 2)) == [2, 3])
        #expect(try times(EventQuery(after: try log.lastEventID())) == [])
    }

    @Test("takes events from several threads and connections, each once")
    func concurrent() throws {
        let other = try EventLog(path: folder.file)
        let log = log
        let failures = Locked(0)
        runInParallel(4) { index in
            for count in 0..<25 {
                do {
                    try (index % 2 == 0 ? log : other).append(
                        Event(.refused, at: .now, user: "u\(index)", detail: ["count": "\(count)"]))
                } catch {
                    failures.withLock { $0 += 1 }
                }
            }
        }
        #expect(failures.withLock { $0 } == 0)
        #expect(try log.events(EventQuery(limit: 1_000)).count == 100)
    }

    @Test("refuses a file from the future")
    func future() throws {
        let database = try Database(path: folder.file)
        try database.execute("INSERT INTO migration VALUES ('audit', 99, 0)")
        let path = folder.file
        #expect(#expect(throws: SQLiteError.self) { try EventLog(path: path) }?.code == .futureVersion)
    }

    @Test("the session of a jump is found by the gateway's end of its connection")
    func jumps() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog(path: folder.file)
        func note(_ session: String, _ host: String, _ local: String, at seconds: Int64) throws {
            try log.append(
                Event(
                    .channelOpened, at: Timestamp(milliseconds: seconds * 1_000), session: session,
                    host: host,
                    detail: ["kind": "jump", "local": local]))
        }
        try note("first", "h1", "10.0.0.1:5", at: 10)
        try note("other", "h2", "10.0.0.1:5", at: 15)
        try note("second", "h1", "10.0.0.1:5", at: 20)
        func session(_ local: String, at seconds: Int64) throws -> String? {
            try log.session(
                ofJumpFrom: local, to: "h1", before: Timestamp(milliseconds: seconds * 1_000))
        }
        #expect(try session("10.0.0.1:5", at: 5) == nil)
        #expect(try session("10.0.0.1:5", at: 19) == "first")
        #expect(try session("10.0.0.1:5", at: 20) == "second")
        #expect(try session("10.0.0.1:6", at: 20) == nil)
    }
}
