internal import FileEvents
internal import SQLite

/// An event as its row tells it: directories, actor and attributes by their numbers.
struct StoredEvent: Equatable {
    var id: Int64
    /// Microseconds since 1970.
    var time: Int64
    var kind: FileEvent.Kind
    var directory: Int64
    var name: [UInt8]
    var actor: Int64
    var detail: EventDetail
    /// The host that saw it.
    var host: String
    /// The event's place in the host's own stream.
    var sequence: Int64

    /// What decides which of two events was later, the same wherever and in whichever order they arrived: time, then the host's
    /// name, then the place in the host's own stream.
    func isLater(than other: StoredEvent) -> Bool {
        if time != other.time { return time > other.time }
        if host != other.host { return host > other.host }
        if sequence != other.sequence { return sequence > other.sequence }
        return id > other.id
    }

    /// Whether the file is at this place after the event; nil: the event does not tell of this place.
    func isPresent(at directory: Int64, _ name: [UInt8]) -> Bool? {
        if kind == .renamed || kind == .directoryRenamed {
            if let destination = detail.destination, destination.directory == directory,
                destination.name == name
            {
                return true
            }
            return self.directory == directory && self.name == name ? false : nil
        }
        guard self.directory == directory, self.name == name else { return nil }
        return kind != .deleted && kind != .directoryDeleted
    }
}

extension StoredEvent {
    /// The columns that `init(row:)` reads. `e`, `s` and `t` are the event, its segment and its stream.
    static let columns =
        "e.id, s.created + e.time, e.kind, e.directory, e.name, e.actor, e.detail, t.host, "
        + "s.first + e.id - s.base"

    /// What the columns are read from.
    static let source =
        "file_events e JOIN event_segments s ON s.base = "
        + "(SELECT max(base) FROM event_segments WHERE base <= e.id) JOIN event_streams t ON t.id = s.stream"

    /// Reads a row of `columns`.
    ///
    /// - Throws: `BookError` `.corrupt`.
    init(row: Statement) throws(BookError) {
        id = row.integer(0)
        time = row.integer(1)
        directory = row.integer(3)
        name = row.blob(4)
        actor = row.integer(5)
        guard let kind = FileEvent.Kind(rawValue: UInt8(truncatingIfNeeded: row.integer(2))),
            let detail = EventDetail(row.blob(6), at: time)
        else { throw BookError(.corrupt, "the book is damaged: event \(id)") }
        self.kind = kind
        self.detail = detail
        host = row.text(7)
        sequence = row.integer(8)
    }
}

extension [UInt8] {
    /// A number of 32 bits for a name, the same for ever: FNV-1a.
    var nameHash: Int32 {
        var state: UInt32 = 2_166_136_261
        for byte in self { state = (state ^ UInt32(byte)) &* 16_777_619 }
        return Int32(bitPattern: state)
    }
}
