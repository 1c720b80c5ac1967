import FileEvents
internal import SQLite

/// Finds events, within a snapshot or transaction that somebody else ends.
final class EventReader {
    let database: Database
    private var actors: [Int64: [UInt8]] = [:]
    private var paths: [Int64: Place] = [:]

    /// A directory in events.
    struct Place: Equatable {
        var tree: [UInt8]
        /// Relative to the tree.
        var path: [UInt8]
    }

    init(_ database: Database) {
        self.database = database
    }

    // MARK: Names and numbers

    /// The number of a directory in events; nil: no event ever named it.
    func number(ofDirectory path: [UInt8], in tree: [UInt8]) throws -> Int64? {
        let names = path.split(separator: UInt8(ascii: "/"))
        let numbers = try numbers(ofWay: names, in: tree)
        return numbers.count > names.count ? numbers.last : nil
    }

    /// The numbers of a tree's root and of the directories on a way down from it, up to the first that no event ever named.
    func numbers(ofWay names: [ArraySlice<UInt8>], in tree: [UInt8]) throws -> [Int64] {
        var numbers: [Int64] = []
        for name in [tree[...]] + names {
            guard let next = try number(of: Array(name), in: numbers.last ?? 0) else { break }
            numbers.append(next)
        }
        return numbers
    }

    private func number(of name: [UInt8], in parent: Int64) throws -> Int64? {
        try database.first(
            "SELECT id FROM event_directories WHERE parent = ?1 AND name = ?2", [parent, name]
        ) { $0.integer(0) }
    }

    /// - Throws: `BookError` `.corrupt`.
    func place(ofDirectory number: Int64) throws -> Place {
        if let known = paths[number] { return known }
        var names: [[UInt8]] = []
        var above: Place?
        var next = number
        while next != 0 {
            above = paths[next]
            if above != nil { break }
            let row = try database.first(
                "SELECT parent, name FROM event_directories WHERE id = ?1", [next]
            ) { (parent: $0.integer(0), name: $0.blob(1)) }
            guard let row, row.parent < next else {
                throw BookError(.corrupt, "the book is damaged: directory \(number) of events")
            }
            names.append(row.name)
            next = row.parent
        }
        guard let tree = above?.tree ?? names.popLast() else {
            throw BookError(.corrupt, "the book is damaged: an event in no directory")
        }
        let below = Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
        let place = Place(tree: tree, path: above?.path.appending(name: below) ?? below)
        paths[number] = place
        return place
    }

    /// - Throws: `BookError` `.corrupt`.
    func actor(_ number: Int64, pid: UInt32) throws -> Actor {
        if let known = actors[number] { return try ActorIdentity.actor(from: known, pid: pid) }
        let identity = try database.first(
            "SELECT identity FROM event_actors WHERE id = ?1", [number]
        ) { $0.blob(0) }
        guard let identity else { throw BookError(.corrupt, "the book is damaged: actor \(number)") }
        actors[number] = identity
        return try ActorIdentity.actor(from: identity, pid: pid)
    }

    /// - Throws: `BookError` `.corrupt`.
    func attributes(_ number: Int64) throws -> FileStat {
        let row = try database.first(
            "SELECT mode, uid, gid, links FROM event_attributes WHERE id = ?1", [number]
        ) { row in
            FileStat(
                inode: 0, mode: row.number(0), uid: row.number(1), gid: row.number(2), links: row.number(3),
                size: 0, blocks: 0, modified: 0, changed: 0)
        }
        guard let row else { throw BookError(.corrupt, "the book is damaged: attributes \(number)") }
        return row
    }

    /// The file as it was after an event; nil: it could not be asked.
    func stat(after event: StoredEvent) throws -> FileStat? {
        guard let inode = event.detail.inode else { return nil }
        var stat = try attributes(inode.attributes)
        stat.inode = inode.number
        stat.size = inode.size
        stat.blocks = inode.blocks
        stat.modified = inode.modified
        stat.changed = inode.changed
        return stat
    }

    // MARK: Events of a place

    /// How many rows are looked at in one go.
    private static let page = 128

    /// The latest events of a place, latest first; a rename is one of both of its places.
    ///
    /// - Parameters:
    ///   - bound: only events before this one; nil: all.
    ///   - limit: no more than this.
    func events(
        at name: [UInt8], in directory: Int64, before bound: StoredEvent? = nil, limit: Int
    ) throws -> [StoredEvent] {
        var found: [StoredEvent] = []
        var next = Int64.max
        while true {
            let rows = try database.rows(
                """
                SELECT \(StoredEvent.columns) FROM event_names n JOIN \(StoredEvent.source)
                WHERE n.directory = ?1 AND n.hash = ?2 AND n.event < ?3 AND e.id = n.event
                ORDER BY n.event DESC LIMIT ?4
                """, [directory, name.nameHash, next, Self.page], StoredEvent.init(row:))
            for event in rows where event.isPresent(at: directory, name) != nil {
                if let bound, !bound.isLater(than: event) { continue }
                found.append(event)
            }
            guard rows.count == Self.page, let last = rows.last else { break }
            next = last.id
            if found.count >= limit {
                // Rows are in the order of arrival: a host that was cut off brings old events late.
                found.sort { $0.isLater(than: $1) }
                if try latest(before: next) < found[limit - 1].time { break }
            }
        }
        return Array(found.sorted { $0.isLater(than: $1) }.prefix(limit))
    }

    /// No event with a smaller id is later than this.
    private func latest(before id: Int64) throws -> Int64 {
        try database.first(
            "SELECT highest FROM event_segments WHERE base <= ?1 ORDER BY base DESC LIMIT 1", [id]
        ) { $0.integer(0) } ?? Int64.min
    }
}

extension [UInt8] {
    /// This path and a name below it.
    func appending(name: [UInt8]) -> [UInt8] {
        isEmpty ? name : name.isEmpty ? self : self + [UInt8(ascii: "/")] + name
    }

    /// A relative path as the directory that holds it and the name in there.
    var split: (directory: [UInt8], name: [UInt8]) {
        guard let slash = lastIndex(of: UInt8(ascii: "/")) else { return ([], self) }
        return (Array(self[..<slash]), Array(self[(slash + 1)...]))
    }
}
