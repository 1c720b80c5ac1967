internal import SQLite
package import Support

extension EventLog {
    /// Notes that a session began, with the events for it.
    ///
    /// - Throws: `AuditError` `.sessionExists`.
    package func start(_ session: Session, with events: [Event] = []) throws {
        try write { database in
            if try database.session(session.id) != nil {
                throw AuditError(.sessionExists, "session \(session.id) is in the log already")
            }
            try database.run(
                """
                INSERT INTO sessions (id, client_address, started, bytes_from_client, bytes_to_client, journal_offset)
                VALUES (?1, ?2, ?3, 0, 0, 0)
                """, session.id, session.clientAddress, session.started)
            try database.store(session)
            for event in events { try database.insert(event) }
        }
    }

    /// Notes what has become known of a session, with the event for it if there is one.
    ///
    /// - Throws: `AuditError` `.notFound`.
    package func update(_ id: String, _ update: SessionUpdate, with event: Event? = nil) throws {
        try write { database in
            var session = try database.requireSession(id)
            session.apply(update)
            try database.store(session)
            if let event { try database.insert(event) }
        }
    }

    /// Notes that a session is over, with the event for it if there is one.
    ///
    /// - Returns: false when it was over already: then nothing is changed, the event included.
    /// - Throws: `AuditError` `.notFound`.
    @discardableResult
    package func end(
        _ id: String, at time: Timestamp = .now, reason: String, _ update: SessionUpdate = SessionUpdate(),
        with event: Event? = nil
    ) throws -> Bool {
        try write { database in
            var session = try database.requireSession(id)
            if session.ended != nil { return false }
            var update = update
            update.end = SessionEnd(at: time, reason: reason)
            session.apply(update)
            try database.store(session)
            if let event { try database.insert(event) }
            return true
        }
    }

    /// Takes in a piece of the session's journal: its events and what it says of the session, together with how far it was read.
    ///
    /// Exactly once, also after a crash at any moment: a piece that was taken in before changes nothing.
    /// - Parameter from: the byte of the journal at which the piece begins: the session's `journalOffset`.
    /// - Parameter to: the byte after the piece.
    /// - Returns: false when the piece has been taken in already.
    /// - Throws: `AuditError` `.notFound`; `.journalGap` when the piece begins beyond what has been read, or ends beyond it having
    ///   begun before.
    @discardableResult
    package func ingest(
        session id: String, from: Int64, to end: Int64, events: [Event],
        _ update: SessionUpdate = SessionUpdate()
    ) throws -> Bool {
        try write { database in
            var session = try database.requireSession(id)
            if end <= session.journalOffset { return false }
            guard from == session.journalOffset else {
                throw AuditError(
                    .journalGap,
                    "session \(id): bytes \(from) to \(end) of the journal do not follow \(session.journalOffset)"
                )
            }
            for event in events { try database.insert(event) }
            session.apply(update)
            session.journalOffset = end
            try database.store(session)
            return true
        }
    }

    /// The session of that name; nil: there is none.
    package func session(_ id: String) throws -> Session? {
        try read { try $0.session(id) }
    }

    /// Sessions that have not ended, oldest first.
    package func liveSessions() throws -> [Session] {
        try read { try $0.rows("\(Session.select) WHERE ended IS NULL ORDER BY id", [], Session.init(row:)) }
    }

    /// The newest sessions, live or over, newest first.
    package func sessions(user: String? = nil, limit: Int = 100) throws -> [Session] {
        try read { database in
            guard let user else {
                return try database.rows(
                    "\(Session.select) ORDER BY id DESC LIMIT ?1", [max(0, limit)], Session.init(row:))
            }
            return try database.rows(
                "\(Session.select) WHERE \"user\" = ?2 ORDER BY id DESC LIMIT ?1", [max(0, limit), user],
                Session.init(row:))
        }
    }
}

extension Database {
    fileprivate func session(_ id: String) throws -> Session? {
        try first("\(Session.select) WHERE id = ?1", [id], Session.init(row:))
    }

    fileprivate func requireSession(_ id: String) throws -> Session {
        if let session = try session(id) { return session }
        throw AuditError(.notFound, "there is no session \(id.printable)")
    }

    fileprivate func store(_ session: Session) throws {
        try run(
            """
            UPDATE sessions SET "user" = ?2, target = ?3, host = ?4, key_fingerprint = ?5, client_version = ?6,
            ended = ?7, bytes_from_client = ?8, bytes_to_client = ?9, exit_status = ?10, exit_signal = ?11,
            end_reason = ?12, pid = ?13, pid_start = ?14, journal_offset = ?15 WHERE id = ?1
            """, session.id, session.user, session.target, session.host, session.keyFingerprint,
            session.clientVersion, session.ended, Int64(clamping: session.bytesFromClient),
            Int64(clamping: session.bytesToClient), session.exitStatus, session.exitSignal, session.endReason,
            session.process?.pid, session.process.map { Int64(bitPattern: $0.start) }, session.journalOffset)
    }
}

extension Session {
    fileprivate static let select = """
        SELECT id, "user", target, host, key_fingerprint, client_address, client_version, started, ended,
        bytes_from_client, bytes_to_client, exit_status, exit_signal, end_reason, pid, pid_start, journal_offset
        FROM sessions
        """

    fileprivate init(row: Statement) {
        self.init(
            id: row.text(0), user: row.optional(1, row.text), target: row.optional(2, row.text),
            host: row.optional(3, row.text), keyFingerprint: row.optional(4, row.text),
            clientAddress: row.text(5),
            clientVersion: row.optional(6, row.text), started: row.timestamp(7),
            process: row.optional(14) { column in
                SessionProcess(
                    pid: Int32(truncatingIfNeeded: row.integer(column)),
                    start: UInt64(bitPattern: row.integer(column + 1)))
            })
        ended = row.optional(8, row.timestamp)
        bytesFromClient = UInt64(bitPattern: row.integer(9))
        bytesToClient = UInt64(bitPattern: row.integer(10))
        exitStatus = row.optional(11) { Int32(truncatingIfNeeded: row.integer($0)) }
        exitSignal = row.optional(12, row.text)
        endReason = row.optional(13, row.text)
        journalOffset = row.integer(16)
    }

    fileprivate mutating func apply(_ update: SessionUpdate) {
        user = update.user ?? user
        target = update.target ?? target
        host = update.host ?? host
        keyFingerprint = update.keyFingerprint ?? keyFingerprint
        clientVersion = update.clientVersion ?? clientVersion
        bytesFromClient = update.bytesFromClient ?? bytesFromClient
        bytesToClient = update.bytesToClient ?? bytesToClient
        if update.exitStatus != nil || update.exitSignal != nil {
            // One of the two: how an earlier program ended is the past.
            exitStatus = update.exitStatus
            exitSignal = update.exitSignal
        }
        process = update.process ?? process
        if ended == nil, let end = update.end {
            ended = end.time
            endReason = end.reason
        }
    }
}
