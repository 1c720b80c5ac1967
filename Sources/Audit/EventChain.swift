internal import SQLite
internal import SSHKeys
internal import Support

/// How events hang together: each has the hash of the one before, and a hash of that and of all it says itself.
///
/// hash = SHA-256("gatehouse event 1", previous, id, time, kind, session, user, host, address, detail), each with its length; what is
/// not there is told from what is empty.
enum EventChain {
    /// What the first event has for the hash of the one before.
    static let start = [UInt8](repeating: 0, count: 32)
    private static let purpose = "gatehouse event 1"

    /// An event as it lies in its row.
    struct Row {
        var id: Int64
        var time: Int64
        var kind: String
        var session: String?
        var user: String?
        var host: String?
        var address: String?
        var detail: String
        var previous: [UInt8]
        var hash: [UInt8]
    }

    /// The hash that a row of this content has, if it stands at `id`.
    static func hash(_ row: Row, at id: Int64) -> [UInt8] {
        var out = WireWriter()
        out.string(purpose)
        out.data(row.previous)
        out.uint64(UInt64(bitPattern: id))
        out.uint64(UInt64(bitPattern: row.time))
        out.string(row.kind)
        for text in [row.session, row.user, row.host, row.address] {
            out.boolean(text != nil)
            out.string(text ?? "")
        }
        out.string(row.detail)
        return HashFunction.sha256(out.bytes)
    }
}

extension Database {
    private static let columns = "id, time, kind, session, \"user\", host, address, detail, previous, hash"

    /// Puts an event at the end of the chain. Only within a transaction.
    @discardableResult
    func insert(_ event: Event) throws -> Int64 {
        let end = try first(
            """
            SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0),
                (SELECT hash FROM events ORDER BY id DESC LIMIT 1)
            """
        ) { (id: $0.integer(0), hash: $0.optional(1, $0.blob)) }
        let (id, isTooMuch) = (end?.id ?? 0).addingReportingOverflow(1)
        if isTooMuch { throw SQLiteError(.corrupt, "an event has the highest id there is") }
        var row = EventChain.Row(
            id: id, time: event.time.milliseconds, kind: event.kind, session: event.session,
            user: event.user, host: event.host, address: event.address, detail: Detail.encode(event.detail),
            previous: (end?.hash).flatMap { $0 } ?? EventChain.start, hash: [])
        row.hash = EventChain.hash(row, at: row.id)
        try run(
            "INSERT INTO events (\(Self.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", row.id,
            row.time, row.kind, row.session, row.user, row.host, row.address, row.detail, row.previous,
            row.hash)
        return row.id
    }

    /// Rows of the chain after `id`, in their order.
    func links(after id: Int64, limit: Int) throws -> [EventChain.Row] {
        try rows(
            "SELECT \(Self.columns) FROM events WHERE id > ?1 ORDER BY id LIMIT ?2", [id, limit]
        ) { row in
            EventChain.Row(
                id: row.integer(0), time: row.integer(1), kind: row.text(2),
                session: row.optional(3, row.text),
                user: row.optional(4, row.text), host: row.optional(5, row.text),
                address: row.optional(6, row.text), detail: row.text(7),
                previous: row.optional(8, row.blob) ?? [], hash: row.optional(9, row.blob) ?? [])
        }
    }

    /// Puts the events of a log that had no chain into one, as they are: once, when the log gets its chain.
    func chainAllEvents() throws {
        var (id, previous) = (Int64(0), EventChain.start)
        while true {
            let batch = try links(after: id, limit: 10_000)
            guard let last = batch.last else { return }
            for var row in batch {
                row.previous = previous
                previous = EventChain.hash(row, at: row.id)
                try run(
                    "UPDATE events SET previous = ?2, hash = ?3 WHERE id = ?1", row.id, row.previous, previous
                )
            }
            id = last.id
        }
    }
}
