internal import SQLite
package import Support

/// Events and sessions, in a database file that the directory may share.
///
/// Events are a chain of hashes (`EventChain`): what is changed, removed or moved later is found by `check`.
/// Every call is one transaction. Calls block on the disk; any thread may make them.
/// A database that does not work is a `SQLiteError`.
package final class EventLog: Sendable {
    private let database: Locked<Connection>

    /// Opens the log in the database file at `path`, making file and tables if need be.
    ///
    /// - Throws: `SQLiteError`, with `.futureVersion` when a newer program made the tables.
    package init(path: String) throws {
        let database = try Database(path: path)
        try database.migrate(module: Schema.module, Schema.migrations)
        self.database = Locked(Connection(database: database))
    }

    func write<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try database.withLock { connection in
            let database = connection.database
            return try database.transaction { try body(database) }
        }
    }

    /// The same, and on return it is on the disk, with all before it: no loss of power takes it back.
    func writeThrough<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try database.withLock { connection in
            let database = connection.database
            try database.execute("PRAGMA synchronous = FULL")
            defer { try? database.execute("PRAGMA synchronous = NORMAL") }
            return try database.transaction { try body(database) }
        }
    }

    func read<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try database.withLock { connection in
            let database = connection.database
            return try database.snapshot { try body(database) }
        }
    }

    // MARK: Events

    /// Notes an event; on return it is in the file.
    ///
    /// - Returns: its id.
    @discardableResult
    package func append(_ event: Event) throws -> Int64 {
        try write { try $0.insert(event) }
    }

    /// Notes events in order, all or none.
    package func append(_ events: [Event]) throws {
        try write { database in
            for event in events { try database.insert(event) }
        }
    }

    /// The events that `query` asks for, always oldest first.
    package func events(_ query: EventQuery = EventQuery()) throws -> [RecordedEvent] {
        try read { try $0.events(query) }
    }

    /// The hosts that a session has jumped to, each with what the daemon has noted that it was given there.
    package func jumps(ofSession id: String) throws -> [(host: String, given: String?)] {
        try read { database in
            try database.rows(
                """
                SELECT DISTINCT host, json_extract(detail, '$.given') FROM events
                WHERE session = ?1 AND kind = ?2 AND host IS NOT NULL AND json_extract(detail, '$.kind') = 'jump'
                """, [id, EventKind.channelOpened.rawValue]
            ) { (host: $0.text(0), given: $0.optional(1, $0.text)) }
        }
    }

    /// The session whose jump to a host came from this end of the gateway, the last one before a moment.
    ///
    /// - Parameter local: address and port, as the event of the jump has them.
    package func session(ofJumpFrom local: String, to host: String, before time: Timestamp) throws -> String?
    {
        try read { database in
            try database.first(
                """
                SELECT session FROM events WHERE kind = ?1 AND host = ?2 AND time <= ?3
                AND json_extract(detail, '$.local') = ?4 ORDER BY id DESC LIMIT 1
                """, [EventKind.channelOpened.rawValue, host, time, local]
            ) { $0.optional(0, $0.text) } ?? nil
        }
    }

    /// The id of the newest event, 0 without one: where to begin following.
    package func lastEventID() throws -> Int64 {
        try read { try $0.first("SELECT coalesce(max(id), 0) FROM events") { $0.integer(0) } ?? 0 }
    }
}

/// The connection within its lock.
private struct Connection {
    let database: Database
}

extension Database {
    fileprivate func events(_ query: EventQuery) throws -> [RecordedEvent] {
        var conditions: [String] = []
        var values: [any Bindable] = []
        func require(_ column: String, _ value: (any Bindable)?) {
            guard let value else { return }
            values.append(value)
            conditions.append("\(column) ?\(values.count)")
        }
        require("\"user\" =", query.user)
        require("session =", query.session)
        require("kind =", query.kind?.rawValue)
        require("id >", query.after)
        values.append(max(0, query.limit))
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let order = query.after == nil ? "DESC" : "ASC"
        let found = try rows(
            """
            SELECT id, time, kind, session, "user", host, address, detail, hash FROM events
            \(filter) ORDER BY id \(order) LIMIT ?\(values.count)
            """, values
        ) { row in
            var event = Event(
                .refused, at: row.timestamp(1), session: row.optional(3, row.text),
                user: row.optional(4, row.text), host: row.optional(5, row.text),
                address: row.optional(6, row.text), detail: Detail.decode(row.text(7)))
            event.kind = row.text(2)
            return RecordedEvent(
                id: row.integer(0), event: event, hash: Checkpoint.hexadecimal(row.blob(8)))
        }
        return query.after == nil ? found.reversed() : found
    }
}
