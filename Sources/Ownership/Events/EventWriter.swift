internal import FileEvents
internal import SQLite

/// Puts the records of one segment into the tables, within a transaction that somebody else ends.
///
/// Lives as long as that transaction: it remembers the numbers that it gave.
final class EventWriter {
    let database: Database
    private let segment: Int64
    private let base: Int64
    private let header: SegmentHeader
    private let insertEvent: Statement
    private let insertName: Statement

    private var directories: [[UInt8]: Int64] = [:]
    private var places: [Place: Int64] = [:]
    private var actors: [Actor: Int64] = [:]
    private var attributes: [Attributes: Int64] = [:]
    private(set) var earliest: Int64?
    private(set) var latest: Int64?
    private(set) var eventCount = 0

    /// A directory in another one; 0: the root of a tree.
    private struct Place: Hashable {
        var parent: Int64
        var name: [UInt8]
    }

    /// So many directories are remembered, however many a host names.
    private static let placeLimit = 100_000

    /// What many files have alike.
    struct Attributes: Hashable {
        var mode: UInt32
        var uid: UInt32
        var gid: UInt32
        var links: UInt32

        init(_ stat: FileStat) {
            mode = stat.mode
            uid = stat.uid
            gid = stat.gid
            links = stat.links
        }
    }

    /// - Parameters:
    ///   - segment: the segment's row.
    ///   - base: the id of the event with the header's first sequence.
    /// - Throws: `SQLiteError`.
    init(_ database: Database, segment: Int64, base: Int64, header: SegmentHeader) throws {
        self.database = database
        self.segment = segment
        self.base = base
        self.header = header
        insertEvent = try database.prepare("INSERT INTO file_events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        insertName = try database.prepare("INSERT OR IGNORE INTO event_names VALUES (?1, ?2, ?3)")
    }

    /// Notes an event, and gives it back as it stands in the tables.
    func add(_ event: FileEvent, sequence: UInt64, mayBeHandedOver: Bool) throws -> StoredEvent {
        let id = base + Int64(sequence - header.firstSequence)
        let directory = try number(ofDirectory: event.directory, in: event.tree)
        var destination: EventDetail.Destination?
        if let place = event.destination {
            destination = EventDetail.Destination(
                directory: try number(ofDirectory: place.directory, in: event.tree), name: place.name)
        }
        var inode: EventDetail.Inode?
        if let stat = event.stat {
            inode = EventDetail.Inode(
                attributes: try number(of: Attributes(stat)), number: stat.inode, size: stat.size,
                blocks: stat.blocks, modified: stat.modified, changed: stat.changed)
        }
        let detail = EventDetail(
            pid: event.actor.pid, count: event.count, inode: inode, destination: destination,
            mayBeHandedOver: mayBeHandedOver)
        let actor = try number(of: event.actor)
        let stored = StoredEvent(
            id: id, time: event.time, kind: event.kind, directory: directory, name: event.name, actor: actor,
            detail: detail, host: header.host, sequence: Int64(sequence))
        try insertEvent.bind([
            id, event.time - header.created, Int64(event.kind.rawValue), directory, event.name, actor,
            detail.packed(at: event.time),
        ])
        _ = try insertEvent.step()
        insertEvent.reset()
        try addName(directory, event.name, id)
        if let destination { try addName(destination.directory, destination.name, id) }
        earliest = min(earliest ?? event.time, event.time)
        latest = max(latest ?? event.time, event.time)
        eventCount += 1
        return stored
    }

    private func addName(_ directory: Int64, _ name: [UInt8], _ event: Int64) throws {
        try insertName.bind([directory, name.nameHash, event])
        _ = try insertName.step()
        insertName.reset()
    }

    func add(_ gap: Gap, sequence: UInt64, stream: Int64) throws {
        try database.run(
            "INSERT INTO event_gaps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", stream, Int64(sequence), gap.tree,
            gap.from, gap.until, Int64(gap.reason.rawValue), gap.lost.map { Int64(clamping: $0) })
    }

    func add(_ coverage: Coverage, sequence: UInt64, stream: Int64) throws {
        try database.run(
            "INSERT INTO event_coverage VALUES (?1, ?2, ?3, ?4, ?5, ?6)", stream, Int64(sequence),
            coverage.tree, Int64(coverage.extent.rawValue), coverage.fileSystem, coverage.time)
    }

    // MARK: Numbers

    /// The number of a directory in events; gives one to a directory that has none.
    func number(ofDirectory path: [UInt8], in tree: [UInt8]) throws -> Int64 {
        let key = path.isEmpty ? tree : tree + [UInt8(ascii: "/")] + path
        if let known = directories[key] { return known }
        var number = try self.number(ofDirectory: tree, in: 0)
        for name in path.split(separator: UInt8(ascii: "/")) {
            number = try self.number(ofDirectory: Array(name), in: number)
        }
        directories[key] = number
        return number
    }

    private func number(ofDirectory name: [UInt8], in parent: Int64) throws -> Int64 {
        let place = Place(parent: parent, name: name)
        if let known = places[place] { return known }
        let number =
            try database.first(
                "SELECT id FROM event_directories WHERE parent = ?1 AND name = ?2", [parent, name]
            ) { $0.integer(0) }
            ?? insert("INSERT INTO event_directories (parent, name) VALUES (?1, ?2)", parent, name)
        if places.count >= Self.placeLimit { places.removeAll(keepingCapacity: true) }
        places[place] = number
        return number
    }

    private func number(of actor: Actor) throws -> Int64 {
        var actor = actor
        actor.pid = 0
        if let known = actors[actor] { return known }
        let identity = ActorIdentity.bytes(of: actor)
        let number =
            try database.first("SELECT id FROM event_actors WHERE identity = ?1", [identity]) {
                $0.integer(0)
            }
            ?? insert(
                "INSERT INTO event_actors (identity, person, session) VALUES (?1, ?2, ?3)", identity,
                actor.person, actor.session)
        try database.run("INSERT INTO event_segment_actors VALUES (?1, ?2)", number, segment)
        actors[actor] = number
        return number
    }

    func number(of attributes: Attributes) throws -> Int64 {
        if let known = self.attributes[attributes] { return known }
        let (mode, uid, gid, links) = (attributes.mode, attributes.uid, attributes.gid, attributes.links)
        let number =
            try database.first(
                """
                SELECT id FROM event_attributes WHERE mode = ?1 AND uid = ?2 AND gid = ?3 AND links = ?4
                """, [mode, uid, gid, links]
            ) { $0.integer(0) }
            ?? insert(
                "INSERT INTO event_attributes (mode, uid, gid, links) VALUES (?1, ?2, ?3, ?4)", mode, uid,
                gid,
                links)
        self.attributes[attributes] = number
        return number
    }

    private func insert(_ sql: String, _ values: any Bindable...) throws -> Int64 {
        let statement = try database.prepare(sql)
        try statement.bind(values)
        _ = try statement.step()
        statement.reset()
        return database.lastInsertedRow
    }
}
