import Audit
import Control
import Glibc
import Recording
import SQLite
import SSHKeys
import Support

/// Starts recorders, and notes what came of them: one process of `gatehouse-record` for each recorded program.
///
/// Any thread may call it.
final class RecordingDesk: Sendable {
    /// How long a recorder may take to write a recording's beginning.
    private static let patience = Duration.seconds(10)

    /// What a recording is of.
    struct Subject: Sendable {
        let session: SessionID
        let channel: Int
        let user: String
        let host: String?
        let address: String
    }

    /// There can be no recording; a sentence without a full stop.
    struct Obstacle: Error {
        let sentence: String
    }

    private let folder: RecordingFolder
    /// The path of `gatehouse-record`.
    let program: String
    private let identity: (uid: UInt32, gid: UInt32)?
    private let events: EventLog
    private let log: @Sendable () -> Log
    /// Recordings whose end is in the log, or about to be, or that this daemon has begun.
    private let claims = Locked(Set<RecordingName>())
    /// Recordings that this daemon has begun and whose end it has not noted; the process is nil until it runs.
    private let live = Locked<[RecordingName: (user: String, process: ProcessHandle?)]>([:])
    /// Recordings whose removal is in the log, and which could not be removed.
    private let condemned = Locked(Set<RecordingName>())
    private let reaper: RecorderReaper

    /// - Throws: `SystemError` of pipe(2).
    init(
        folder: String, program: String, identity: (uid: UInt32, gid: UInt32)?, events: EventLog,
        log: @escaping @Sendable () -> Log
    ) throws {
        reaper = try RecorderReaper()
        self.folder = RecordingFolder(folder)
        self.program = program
        self.identity = identity
        self.events = events
        self.log = log
    }

    /// Waits for recorders from here on.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try reaper.start { [self] name, status in
            if status != 0 {
                log().error(
                    "a recorder failed", ["recording": name.description, "status": String(status)])
            }
            finish(name)
            live.withLock { _ = $0.removeValue(forKey: name) }
        }
    }

    /// Makes the file and starts its recorder; the event is in the log before.
    ///
    /// - Returns: the socket on which the recorder takes what happens.
    /// - Throws: `Obstacle`; errors of the event log.
    func open(_ request: RecordingRequest, of subject: Subject, limit: UInt64) throws -> Descriptor {
        let name = RecordingName(session: subject.session, channel: subject.channel)
        let start = UInt64(max(0, Timestamp.now.milliseconds)) * 1_000
        let header = CastHeader(
            columns: request.columns, rows: request.rows, start: start,
            command: request.kind == "shell" ? nil : request.command,
            terminal: request.hasTerminal && !request.terminal.isEmpty ? request.terminal : nil,
            origin: [
                ("session", subject.session.description), ("channel", String(subject.channel)),
                ("user", subject.user), ("host", subject.host ?? ""), ("kind", request.kind),
                ("terminal", request.hasTerminal ? "yes" : "no"),
            ])
        var message: [UInt8] = []
        RecordingMessage.start(header: header.line, limit: limit).append(to: &message, at: start)
        do {
            try takePlace(name, of: subject.user)
            try note(
                .recordingStarted, subject,
                [
                    "recording": name.description, "kind": request.kind, "command": request.command,
                    "terminal": request.hasTerminal ? "yes" : "no",
                ])
            claims.withLock { _ = $0.insert(name) }
            let (socket, process) = try launch(name, limit: limit, first: message)
            live.withLock { $0[name] = (subject.user, process) }
            reaper.take(process, of: name)
            return socket
        } catch {
            live.withLock { _ = $0.removeValue(forKey: name) }
            claims.withLock { _ = $0.remove(name) }
            if error is SQLiteError { throw error }
            let reason = (error as? Obstacle)?.sentence ?? "\(error)"
            log().error("no recording", ["recording": name.description, "error": reason])
            try note(.recordingFailed, subject, ["recording": name.description, "reason": reason])
            throw Obstacle(sentence: reason)
        }
    }

    /// Counts a recording that is about to begin.
    private func takePlace(_ name: RecordingName, of user: String) throws(Obstacle) {
        let isTaken = live.withLock { live in
            // What has ended takes no place, though its hash may still be under way.
            let running = live.values.filter { $0.process.map { !$0.ends(within: .zero) } ?? true }
            guard RecordingPolicy.hasPlace(for: user, beside: running.map(\.user)) else { return false }
            live[name] = (user, nil)
            return true
        }
        if !isTaken { throw Obstacle(sentence: "too many recordings are being written") }
    }

    private func note(_ kind: EventKind, _ subject: Subject, _ detail: [String: String]) throws {
        try events.append(
            Event(
                kind, session: subject.session.description, user: subject.user, host: subject.host,
                address: subject.address, detail: detail))
    }

    /// Starts the recorder and waits until the recording's beginning is in its file.
    private func launch(
        _ name: RecordingName, limit: UInt64, first message: [UInt8]
    ) throws -> (Descriptor, ProcessHandle) {
        let path = "\(folder.path)/\(name)"
        // Its name cannot be there: session and channel are counted here.
        let file = try Descriptor.open(path, O_CREAT | O_EXCL | O_APPEND | O_WRONLY | O_NOFOLLOW, mode: 0o600)
        do {
            // The recorder holds the lock as long as it lives, whatever becomes of the daemon.
            try file.lock()
            guard try file.freeSpace() >= Recorder.reserve else {
                throw Obstacle(sentence: "the disk is nearly full")
            }
            let (ours, theirs) = try StreamSocket.pair()
            let child = try start(file, theirs, limit: limit)
            do {
                // Not reaped yet, so it exists, if only as a zombie.
                let process = try ProcessHandle(child)
                try ours.writeAll(message)
                try awaitReady(ours)
                return (ours, process)
            } catch {
                _ = kill(child, SIGKILL)
                _ = ChildProcess.wait(for: child)
                throw error
            }
        } catch {
            _ = unsafe unlink(path)
            throw error
        }
    }

    private func start(_ file: Descriptor, _ socket: Descriptor, limit: UInt64) throws -> Int32 {
        let nothing = try Descriptor.open("/dev/null", O_RDWR)
        let errors = Descriptor(adopting: try SystemError.check(fcntl(2, F_DUPFD_CLOEXEC, 3), "dup"))
        var child = ChildProcess(program, descriptors: [nothing, nothing, errors, socket, file])
        child.identity = identity
        child.openFileLimit = 16
        child.fileSizeLimit = limit + (4 << 20)
        child.memoryLimit = 256 << 20
        child.mayStartOthers = false
        return try child.start()
    }

    private func awaitReady(_ socket: Descriptor) throws {
        var byte: [UInt8] = [0]
        guard socket.waits(for: Int16(POLLIN), until: .now + Self.patience),
            try socket.read(into: &byte) == 1,
            RecorderWord(rawValue: byte[0]) == .ready
        else { throw Obstacle(sentence: "the recording cannot be written") }
    }

    /// Notes what a recording is that nobody writes any more, once.
    private func finish(_ name: RecordingName) {
        do {
            try noteEnd(of: name)
            return
        } catch {
            log().error(
                "a recording's end could not be noted", ["recording": "\(name)", "error": "\(error)"])
        }
        // The next round tries again.
        claims.withLock { _ = $0.remove(name) }
    }

    private func noteEnd(of name: RecordingName) throws {
        if try ends(of: name.session).contains(name.description) { return }
        let file = try folder.open(name)
        // What the log says shall hold after a loss of power.
        try file.sync()
        try folder.sync()
        let size = try file.size()
        var detail = [
            "recording": name.description, "bytes": String(size),
            "sha256": Checkpoint.hexadecimal(try HashFunction.sha256(of: file)),
        ]
        let index = RecordingIndex(of: file, size: size)
        if let index {
            detail["seconds"] = String(index.duration / 1_000_000)
            detail["output_bytes"] = String(index.outputBytes)
            if index.lostBytes > 0 { detail["lost_bytes"] = String(index.lostBytes) }
            if !index.exit.isEmpty { detail["exit"] = index.exit }
        }
        if index?.isComplete != true { detail["complete"] = "no" }
        let session = name.session.description
        let row = try events.session(session)
        try events.append(
            Event(
                .recordingEnded, session: session, user: row?.user, host: row?.host,
                address: row?.clientAddress, detail: detail))
    }

    /// The recordings of a session whose end is in the log.
    private func ends(of session: SessionID) throws -> Set<String> {
        let query = EventQuery(
            session: session.description, kind: .recordingEnded, limit: RecordingName.channelLimit)
        return Set(try events.events(query).compactMap { $0.event.detail["recording"] })
    }

    /// Finishes what nobody writes any more and has no end in the log: recordings that an earlier daemon began.
    ///
    /// - Parameter names: which may be such; nil: all that are there.
    /// - Returns: those that are still being written.
    func finishOrphans(among names: [RecordingName]? = nil) throws -> [RecordingName] {
        var left: [RecordingName] = []
        let names = try names ?? folder.names()
        let claimed = claims.withLock { $0 }
        for (session, names) in Dictionary(grouping: names.filter { !claimed.contains($0) }, by: \.session) {
            let ends = try ends(of: session)
            for name in names {
                if ends.contains(name.description) {
                    claims.withLock { _ = $0.insert(name) }
                } else if let file = try? folder.open(name), try file.isLocked() {
                    left.append(name)
                } else {
                    claims.withLock { _ = $0.insert(name) }
                    finish(name)
                }
            }
        }
        return left
    }

    /// Removes what is too old or too much; the event of each is in the log before.
    func expire(_ rule: RecordingRetention) throws {
        guard rule.age > .zero || rule.space > 0 else { return }
        var items: [RecordingRetention.Item] = []
        for name in try folder.names() {
            // Its file may not be locked yet, or its end not be noted.
            let isOurs = live.withLock { $0[name] != nil }
            guard let file = try? folder.open(name), let size = try? file.size() else { continue }
            items.append(
                RecordingRetention.Item(
                    name: name, byteCount: size, time: try file.modificationTime(),
                    isLive: try isOurs || file.isLocked()))
        }
        for (item, reason) in try rule.expired(items, at: .now, owner: { try owner(of: $0) }) {
            try remove(item, because: reason)
        }
    }

    /// Whose a session is.
    private func owner(of session: SessionID) throws -> String {
        try events.session(session.description)?.user ?? ""
    }

    private func remove(_ item: RecordingRetention.Item, because reason: RecordingRetention.Reason) throws {
        let name = item.name
        if !condemned.withLock({ $0.contains(name) }) {
            let session = try events.session(name.session.description)
            try events.append(
                Event(
                    .recordingRemoved, session: name.session.description, user: session?.user,
                    host: session?.host, address: session?.clientAddress,
                    detail: [
                        "recording": name.description, "reason": reason.rawValue,
                        "bytes": String(item.byteCount),
                    ]))
        }
        let result = unsafe unlink("\(folder.path)/\(name)")
        if result < 0, errno != ENOENT {
            // The next round tries again, and needs no second event.
            let isNew = condemned.withLock { $0.insert(name).inserted }
            let error = SystemError("unlink \(name)")
            if isNew { log().error("a recording could not be removed", ["error": "\(error)"]) }
            return
        }
        condemned.withLock { _ = $0.remove(name) }
        claims.withLock { _ = $0.remove(name) }
    }
}
