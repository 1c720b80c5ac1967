internal import FileEvents
internal import SQLite

/// A difference that the book keeps.
package struct RecordedChange: Equatable, Sendable {
    package var id: Int64
    package var tree: TreeID
    package var change: Change
    /// It was still as before then, in microseconds since 1970; 0: unknown.
    package var since: Int64
    /// It was found by then, in microseconds since 1970.
    package var until: Int64
    /// The scan that found it; nil: an event did.
    package var scan: Int64?
    /// The row of the event that told.
    package var event: Int64?
}

extension Book {
    /// Keeps differences, unless `look` says no. Within `write`.
    ///
    /// - Parameters: `since` and `until` are the span in which they happened, in microseconds since 1970.
    package func record(_ changes: [Change], since: Int64, until: Int64, _ look: Look) throws {
        guard look.recordsChanges, !changes.isEmpty else { return }
        let insert = try database.prepare(
            """
            INSERT INTO change (tree, directory, name, kind, since, until, scan, event, inode, mode,
                old_uid, new_uid, old_gid, new_gid, old_mode, new_mode, old_size, new_size, old_modified, new_modified,
                origin_directory, origin_name)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
            """)
        try insert.set(1, look.tree)
        try insert.set(5, min(since, until))
        try insert.set(6, until)
        try insert.set(7, look.scan)
        try insert.set(8, look.event)
        for change in changes {
            guard let stat = change.new ?? change.old else { continue }
            try insert.set(2, change.directory)
            try insert.set(3, change.name)
            try insert.set(4, change.kind.rawValue)
            try insert.set(9, Int64(bitPattern: stat.inode))
            try insert.set(10, Int64(stat.mode))
            for (column, stat) in [(11, change.old), (12, change.new)] {
                try insert.set(column, stat.map { Int64($0.uid) })
                try insert.set(column + 2, stat.map { Int64($0.gid) })
                try insert.set(column + 4, stat.map { Int64($0.mode) })
                try insert.set(column + 6, stat.map { Int64(bitPattern: $0.size) })
                try insert.set(column + 8, stat.map(\.modified))
            }
            if let origin = change.origin {
                try insert.set(21, origin.directory)
                try insert.set(22, origin.name)
            } else {
                try insert.setNull(21)
                try insert.setNull(22)
            }
            try insert.run()
        }
    }

    /// The columns that `recorded` reads.
    static let changeColumns = """
        id, tree, directory, name, kind, since, until, scan, event, inode, mode, old_uid, new_uid, old_gid, new_gid,
        old_mode, new_mode, old_size, new_size, old_modified, new_modified, origin_directory, origin_name
        """

    /// The change in a row of `changeColumns`.
    static func recorded(_ row: Statement) -> RecordedChange {
        func stat(_ first: Int) -> FileStat? {
            if row.isNull(first) { return nil }
            return FileStat(
                inode: UInt64(bitPattern: row.integer(9)), mode: row.number(first + 4),
                uid: row.number(first),
                gid: row.number(first + 2), links: 1, size: UInt64(bitPattern: row.integer(first + 6)),
                blocks: 0,
                modified: row.integer(first + 8), changed: 0)
        }
        let origin = row.optional(21) { Change.Place(directory: row.integer($0), name: row.blob(22)) }
        let change = Change(
            Change.Kind(rawValue: row.integer(4)) ?? .touched, row.integer(2), row.blob(3), old: stat(11),
            new: stat(12), origin: origin)
        return RecordedChange(
            id: row.integer(0), tree: row.integer(1), change: change, since: row.integer(5),
            until: row.integer(6), scan: row.optional(7, row.integer), event: row.optional(8, row.integer))
    }

    /// The changes of one scan, in the order in which they were found.
    package func changes(of scan: Int64) throws -> [RecordedChange] {
        try database.rows(
            """
            SELECT \(Self.changeColumns) FROM change
            WHERE until >= (SELECT began FROM scan WHERE id = ?1) AND scan = ?1 ORDER BY id
            """, [scan], Self.recorded)
    }

    /// The changes of a name, oldest first, and those by which it left for another place.
    package func changes(of name: [UInt8], in directory: DirectoryID) throws -> [RecordedChange] {
        try database.rows(
            """
            SELECT \(Self.changeColumns) FROM change WHERE directory = ?1 AND name = ?2
            UNION SELECT \(Self.changeColumns) FROM change WHERE origin_directory = ?1 AND origin_name = ?2
            ORDER BY until, id
            """, [directory, name], Self.recorded)
    }

    private static let copiedColumns = """
        tree, directory, name, since, until, scan, event, inode, mode, old_uid, new_uid, old_gid, new_gid, old_mode,
        new_mode, old_size, new_size, old_modified, new_modified
        """

    /// Makes one rename of a file that went in one directory and came in another in the same scan.
    ///
    /// - Returns: how many.
    func matchMoves(of scan: Int64) throws -> Int {
        // Only what the scan found is looked at, however long the history is.
        let pairs = try database.rows(
            """
            WITH found AS MATERIALIZED (
                SELECT id, kind, inode, mode, old_size, new_size, old_modified, new_modified FROM change
                WHERE until >= (SELECT began FROM scan WHERE id = ?1) AND scan = ?1
                    AND kind IN (\(Change.Kind.created.rawValue), \(Change.Kind.deleted.rawValue))
                    AND mode & 61440 != 16384)
            SELECT min(d.id), c.id FROM found c JOIN found d ON d.inode = c.inode
            WHERE c.kind = \(Change.Kind.created.rawValue) AND d.kind = \(Change.Kind.deleted.rawValue)
                AND c.mode & 61440 = d.mode & 61440
                AND c.new_size = d.old_size AND c.new_modified = d.old_modified
            GROUP BY c.id
            """, [scan]
        ) { ($0.integer(0), $0.integer(1)) }
        var taken: Set<Int64> = []
        for (deleted, created) in pairs where taken.insert(deleted).inserted {
            try database.run(
                """
                UPDATE change SET kind = ?3, (old_uid, old_gid, old_mode, old_size, old_modified, origin_directory,
                    origin_name) = (SELECT old_uid, old_gid, old_mode, old_size, old_modified, directory, name
                    FROM change WHERE id = ?1)
                WHERE id = ?2
                """, deleted, created, Change.Kind.renamed.rawValue)
            try database.run("DELETE FROM change WHERE id = ?1", deleted)
            for (kind, differs) in [
                (Change.Kind.ownerChanged, "old_uid != new_uid OR old_gid != new_gid"),
                (.modeChanged, "old_mode != new_mode"),
            ] {
                try database.run(
                    """
                    INSERT INTO change (\(Self.copiedColumns), kind) SELECT \(Self.copiedColumns), ?2 FROM change
                    WHERE id = ?1 AND (\(differs))
                    """, created, kind.rawValue)
            }
        }
        return taken.count
    }
}

extension Statement {
    /// Sets a parameter to a number, or to NULL for nil.
    func set(_ parameter: Int, _ number: Int64?) throws(SQLiteError) {
        if let number { try set(parameter, number) } else { try setNull(parameter) }
    }
}
