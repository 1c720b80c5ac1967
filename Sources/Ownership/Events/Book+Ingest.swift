package import FileEvents
internal import SQLite
package import Support

extension Book {
    /// Takes a segment into the book, all of it or, when it throws, nothing.
    ///
    /// The same records in any order, and as often as they like to come, make the same book. What the same host told with the same
    /// sequence is known already. Events bring the state of files up to date; reports of scans replace what is known of a directory.
    /// - Parameters:
    ///   - segment: proven to be its host's, not read yet.
    ///   - trees: the paths of which this host may tell; what it says of others is left out. nil: of all.
    ///   - acceptingHole: take it even if it does not follow the newest one of its stream. What is missing is told by `holes`.
    /// - Throws: `SegmentError` for a segment that is damaged after all; `BookError`; `SQLiteError`, `.diskFull` for example.
    package func ingest(
        _ segment: SegmentReader, about trees: Set<[UInt8]>? = nil, acceptingHole: Bool = false,
        at time: Timestamp = .now
    ) throws -> Ingested {
        let header = segment.header
        let segments = Segments(database: database)
        if try segments.isKnown(segment.hash) { return .repeated }
        return try write {
            let newest = try segments.newest(of: header.host, stream: header.stream)
            let stream = try segments.number(ofStream: header)
            let last = segment.footer.lastSequence
            let known = try segments.known(in: stream, header.firstSequence, last)
            if let all = known.first, known.count == 1, all.contains(header.firstSequence), all.contains(last)
            {
                return .repeated
            }
            let expected = newest?.digest ?? SegmentHeader.noPrevious
            if header.previous != expected, !acceptingHole { return .outOfOrder(expected: expected) }
            return try take(segment, about: trees, stream: stream, known: known, at: time)
        }
    }

    private func take(
        _ segment: SegmentReader, about trees: Set<[UInt8]>?, stream: Int64, known: [ClosedRange<UInt64>],
        at time: Timestamp
    ) throws -> Ingested {
        var segment = segment
        let header = segment.header
        let segments = Segments(database: database)
        let base = try segments.nextBase()
        let highest = try segments.highest()
        try database.run(
            """
            INSERT INTO event_segments
                (stream, number, first, last, base, created, highest, events, digest, received)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)
            """, stream, Int64(bitPattern: header.number), Int64(header.firstSequence),
            Int64(segment.footer.lastSequence), base, header.created, highest, segment.hash, time)
        let row = database.lastInsertedRow
        let writer = try EventWriter(database, segment: row, base: base, header: header)
        let now = time.milliseconds * 1_000
        let state = StateUpdate(
            book: self, events: EventReader(database), stream: stream, highest: highest, now: now)
        var records = 0
        while let frame = try segment.next() {
            for item in frame where !known.contains(where: { $0.contains(item.sequence) }) {
                if let trees, let tree = item.record.tree, !trees.contains(tree) { continue }
                records += 1
                switch item.record.told(by: now) {
                case .event(let event):
                    let stored = try writer.add(
                        event, sequence: item.sequence, mayBeHandedOver: try state.mayBeHandedOver(event))
                    try state.note(event, stored, writer)
                case .gap(let gap): try writer.add(gap, sequence: item.sequence, stream: stream)
                case .coverage(let coverage):
                    try writer.add(coverage, sequence: item.sequence, stream: stream)
                case .directory(let report): try state.take(report)
                case .scan(let report): try state.take(report)
                }
            }
        }
        if let earliest = writer.earliest, let latest = writer.latest {
            try database.run(
                """
                UPDATE event_segments SET earliest = ?2, latest = ?3, highest = ?4, events = ?5 WHERE id = ?1
                """, row, earliest, latest, max(highest, latest), writer.eventCount)
        } else {
            try database.run("UPDATE event_segments SET base = NULL WHERE id = ?1", row)
        }
        try state.finish()
        return .taken(events: writer.eventCount, records: records)
    }

    /// The newest segment of a host's stream; nil: none was ever taken.
    package func lastSegment(
        of host: String, stream: SegmentHeader.Stream
    ) throws -> ReceivedSegment? {
        try Segments(database: database).newest(of: host, stream: stream)
    }

    /// Notes that the gateway itself noticed a gap of a host, such as silence; the same beginning again makes it longer.
    ///
    /// - Throws: `SQLiteError`.
    package func note(_ gap: Gap, of host: String) throws {
        try write {
            _ = try database.run(
                """
                INSERT INTO event_silences VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT DO UPDATE SET until = max(until, excluded.until)
                """, host, Int64(gap.reason.rawValue), gap.from, gap.until, gap.tree,
                gap.lost.map { Int64(clamping: $0) })
        }
    }
}

extension Record {
    /// The record with no time later than when it was told: a clock may be ahead, and what is yet to come would outlast everything later.
    ///
    /// The reports on directories keep theirs until their parts are together.
    fileprivate func told(by time: Int64) -> Record {
        switch self {
        case .event(var event):
            event.time = min(event.time, time)
            return .event(event)
        case .gap(var gap):
            gap.from = min(gap.from, time)
            gap.until = min(gap.until, time)
            return .gap(gap)
        case .coverage(var coverage):
            coverage.time = min(coverage.time, time)
            return .coverage(coverage)
        case .scan(var report):
            report.time = min(report.time, time)
            return .scan(report)
        case .directory: return self
        }
    }
}
