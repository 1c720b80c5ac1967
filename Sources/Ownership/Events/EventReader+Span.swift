import FileEvents
internal import SQLite

/// Which events are asked for.
struct EventFilter {
    /// Microseconds since 1970.
    var earliest = Int64.min
    /// Microseconds since 1970.
    var latest = Int64.max
    /// The numbers of actors; nil: all.
    var actors: Set<Int64>?
    /// nil: all.
    var kinds: [FileEvent.Kind]?
}

extension EventReader {
    private struct Segment {
        var first: Int64
        var last: Int64
        var latest: Int64
    }

    /// The latest events, latest first.
    ///
    /// - Parameters:
    ///   - limit: no more than this.
    ///   - isWanted: what is counted; what is not wanted is left out.
    func events(
        _ filter: EventFilter, limit: Int, where isWanted: (StoredEvent) throws -> Bool = { _ in true }
    ) throws -> [StoredEvent] {
        var found: [StoredEvent] = []
        func trim() {
            found.sort { $0.isLater(than: $1) }
            found.removeLast(max(0, found.count - limit))
        }
        for segment in try segments(filter) {
            // The segments that are left end before the earliest that will be shown.
            if found.count >= limit {
                trim()
                if let last = found.last, segment.latest < last.time { break }
            }
            try forEachEvent(in: segment, filter) { event in
                guard try isWanted(event) else { return }
                found.append(event)
                if found.count >= max(4_096, limit * 2) { trim() }
            }
        }
        trim()
        return found
    }

    /// Calls `body` at each event, in no particular order.
    func forEachEvent(_ filter: EventFilter, _ body: (StoredEvent) throws -> Void) throws {
        for segment in try segments(filter) { try forEachEvent(in: segment, filter, body) }
    }

    /// How many events there are in a span of time.
    func count(_ filter: EventFilter) throws -> Int64 {
        try database.first(
            """
            SELECT count(*) FROM event_segments s JOIN file_events e ON e.id BETWEEN s.base AND s.base + s.last - s.first
            WHERE s.base IS NOT NULL AND s.latest >= ?1 AND s.earliest <= ?2
            AND s.created + e.time BETWEEN ?1 AND ?2
            """, [filter.earliest, filter.latest]
        ) { $0.integer(0) } ?? 0
    }

    /// The numbers of the actors of a person, of a session, or of all.
    func actors(person: UInt32? = nil, session: String? = nil) throws -> Set<Int64> {
        Set(
            try database.rows(
                """
                SELECT id FROM event_actors
                WHERE (?1 IS NULL OR person = ?1) AND (?2 IS NULL OR session = ?2)
                """, [person, session]
            ) { $0.integer(0) })
    }

    /// The segments that may hold such events, those that end latest first.
    private func segments(_ filter: EventFilter) throws -> [Segment] {
        var wanted: Set<Int64>?
        if let actors = filter.actors {
            wanted = []
            for actor in actors {
                let rows = try database.rows(
                    "SELECT segment FROM event_segment_actors WHERE actor = ?1", [actor]
                ) { $0.integer(0) }
                wanted?.formUnion(rows)
            }
        }
        let segments = try database.rows(
            """
            SELECT id, base, base + last - first, latest FROM event_segments
            WHERE base IS NOT NULL AND latest >= ?1 AND earliest <= ?2 ORDER BY latest DESC
            """, [filter.earliest, filter.latest]
        ) { row in
            (
                id: row.integer(0),
                segment: Segment(first: row.integer(1), last: row.integer(2), latest: row.integer(3))
            )
        }
        return segments.filter { wanted?.contains($0.id) ?? true }.map(\.segment)
    }

    private func forEachEvent(
        in segment: Segment, _ filter: EventFilter, _ body: (StoredEvent) throws -> Void
    ) throws {
        let kinds = filter.kinds.map { kinds in
            " AND e.kind IN (\(kinds.map { String($0.rawValue) }.joined(separator: ", ")))"
        }
        let events = try database.rows(
            """
            SELECT \(StoredEvent.columns) FROM \(StoredEvent.source)
            WHERE e.id BETWEEN ?1 AND ?2\(kinds ?? "") ORDER BY e.id
            """, [segment.first, segment.last], StoredEvent.init(row:))
        for event in events where event.time >= filter.earliest && event.time <= filter.latest {
            if let actors = filter.actors, !actors.contains(event.actor) { continue }
            try body(event)
        }
    }
}
