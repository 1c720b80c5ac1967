import FileEvents
internal import SQLite

extension Book {
    /// Forgets old events, but those that explain what is there now: who last wrote a file, or else made it, and its renames since.
    ///
    /// Works in steps so that others may write in between; call it until it is done. Gaps and what was received are kept.
    /// - Parameters:
    ///   - time: events before this are old; microseconds since 1970.
    ///   - limit: how many events to look at.
    /// - Returns: how many were forgotten; done: there was nothing left to look at.
    package func expireEvents(before time: Int64, limit: Int) throws -> (removed: Int, isDone: Bool) {
        try write {
            let reader = EventReader(database)
            let segments = try database.rows(
                """
                SELECT id, base, base + thinned, base + last - first FROM event_segments
                WHERE base IS NOT NULL AND events > 0 AND latest < ?1 AND thinned <= last - first ORDER BY base
                LIMIT ?2
                """, [time, limit]
            ) { (id: $0.integer(0), base: $0.integer(1), first: $0.integer(2), last: $0.integer(3)) }
            guard !segments.isEmpty else { return (0, true) }
            var removed = 0
            var rest = Int64(max(1, limit))
            for segment in segments where rest > 0 {
                let last = min(segment.last, segment.first + rest - 1)
                let events = try database.rows(
                    "SELECT \(StoredEvent.columns) FROM \(StoredEvent.source) WHERE e.id BETWEEN ?1 AND ?2",
                    [segment.first, last], StoredEvent.init(row:))
                rest -= last - segment.first + 1
                for event in events where !(try explainsPresent(event, reader)) {
                    try remove(event)
                    removed += 1
                }
                try database.run(
                    "UPDATE event_segments SET thinned = ?2 WHERE id = ?1", segment.id,
                    last - segment.base + 1)
            }
            return (removed, false)
        }
    }

    /// Whether nothing later at the place where the event left its file makes it the past.
    private func explainsPresent(_ event: StoredEvent, _ reader: EventReader, depth: Int = 0) throws -> Bool {
        var place = (directory: event.directory, name: event.name)
        switch event.kind {
        case .created, .written, .linked, .directoryCreated: break
        case .renamed, .directoryRenamed:
            guard let destination = event.detail.destination else { return false }
            place = (destination.directory, destination.name)
        case .deleted, .directoryDeleted, .ownerChanged, .modeChanged: return false
        }
        let events = try reader.events(at: place.name, in: place.directory, limit: 64)
        // Of a place with more events than these the oldest explain nothing.
        guard let index = events.firstIndex(where: { $0.id == event.id }), depth < 16 else { return false }
        for later in events[..<index].reversed() {
            switch later.kind {
            case .ownerChanged, .modeChanged, .linked: continue
            case .renamed, .directoryRenamed:
                // What moved on is explained as long as its new place is; what another file was moved over is past.
                if later.isPresent(at: place.directory, place.name) == true { return false }
                return try explainsPresent(later, reader, depth: depth + 1)
            default: return false
            }
        }
        return true
    }

    private func remove(_ event: StoredEvent) throws {
        try database.run("DELETE FROM file_events WHERE id = ?1", event.id)
        try database.run(
            "DELETE FROM event_names WHERE directory = ?1 AND hash = ?2 AND event = ?3", event.directory,
            event.name.nameHash, event.id)
        if let destination = event.detail.destination {
            try database.run(
                "DELETE FROM event_names WHERE directory = ?1 AND hash = ?2 AND event = ?3",
                destination.directory, destination.name.nameHash, event.id)
        }
    }
}
