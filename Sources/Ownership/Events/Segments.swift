import FileEvents
internal import SQLite
package import Support

/// What became of a segment that was offered to the book.
package enum Ingested: Equatable, Sendable {
    /// It is in the book.
    ///
    /// - records: how many records, `events` of them file events.
    case taken(events: Int, records: Int)
    /// All of it is in the book already; nothing was changed.
    case repeated
    /// It does not follow the newest segment of its stream, which has this digest (zeros: there is none); nothing was changed.
    case outOfOrder(expected: [UInt8])
}

/// The newest segment of a stream.
package struct ReceivedSegment: Equatable, Sendable {
    /// SHA-256 of all of it.
    package let digest: [UInt8]
    package let number: UInt64
    package let boot: [UInt8]
    package let lastSequence: UInt64
    /// When the gateway took it.
    package let received: Timestamp
}

/// What was received, and what of it is new.
struct Segments {
    let database: Database

    /// The segment of a host's stream that was made last: the one with the highest sequence of the boot that came last.
    ///
    /// Clocks are not asked, since they may be set back. A boot, or a watcher that was installed again, begins with sequence 1; what
    /// comes late of the one before stays that one's.
    func newest(of host: String, stream: SegmentHeader.Stream) throws -> ReceivedSegment? {
        try database.first(
            """
            SELECT s.digest, s.number, t.boot, s.last, s.received FROM event_streams t
            JOIN event_segments s ON s.id = (
                SELECT id FROM event_segments WHERE stream = t.id ORDER BY last DESC, number DESC LIMIT 1)
            WHERE t.host = ?1 AND t.stream = ?2 ORDER BY t.id DESC LIMIT 1
            """, [host, Int64(stream.rawValue)]
        ) { row in
            ReceivedSegment(
                digest: row.blob(0), number: UInt64(bitPattern: row.integer(1)), boot: row.blob(2),
                lastSequence: UInt64(bitPattern: row.integer(3)), received: row.timestamp(4))
        }
    }

    func isKnown(_ digest: [UInt8]) throws -> Bool {
        try database.first("SELECT 1 FROM event_segments WHERE digest = ?1", [digest]) { _ in true } ?? false
    }

    func number(ofStream header: SegmentHeader) throws -> Int64 {
        let known = try database.first(
            "SELECT id FROM event_streams WHERE host = ?1 AND stream = ?2 AND boot = ?3",
            [header.host, Int64(header.stream.rawValue), header.boot]
        ) { $0.integer(0) }
        if let known { return known }
        try database.run(
            "INSERT INTO event_streams (host, stream, boot) VALUES (?1, ?2, ?3)", header.host,
            Int64(header.stream.rawValue), header.boot)
        return database.lastInsertedRow
    }

    /// The sequences of a stream that were received, among those from `first` to `last`.
    func known(in stream: Int64, _ first: UInt64, _ last: UInt64) throws -> [ClosedRange<UInt64>] {
        try database.rows(
            """
            SELECT first, last FROM event_segments
            WHERE stream = ?1 AND last >= ?2 AND first <= ?3 AND first <= last ORDER BY first
            """, [stream, Int64(first), Int64(last)]
        ) { UInt64($0.integer(0))...UInt64($0.integer(1)) }
    }

    /// The id for the first event of the next segment.
    func nextBase() throws -> Int64 {
        try database.first(
            "SELECT base + last - first + 1 FROM event_segments WHERE base IS NOT NULL ORDER BY base DESC LIMIT 1"
        ) { $0.integer(0) } ?? 1
    }

    /// The latest time of any event.
    func highest() throws -> Int64 {
        try database.first("SELECT highest FROM event_segments ORDER BY id DESC LIMIT 1") { $0.integer(0) }
            ?? Int64.min
    }
}
