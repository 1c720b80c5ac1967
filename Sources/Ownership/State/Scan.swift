internal import SQLite

/// A walk over a tree.
package struct Scan: Equatable, Sendable {
    package enum State: Int64, Sendable {
        case running = 1, completed, abandoned
    }

    package var id: Int64
    package var tree: TreeID
    package var state: State
    /// Microseconds since 1970.
    package var began: Int64
    package var ended: Int64?
    /// Whether the tree was known before, so that differences say something.
    package var recordsChanges: Bool
    package var directories: Int64 = 0
    package var entries: Int64 = 0
    /// How many directories were new or different.
    package var changed: Int64 = 0
    package var problems: Int64 = 0
}

/// Something that a scan could not look at.
package struct ScanProblem: Equatable, Sendable {
    package enum Operation: Int64, Sendable {
        case open = 1, read, stat
    }

    /// Relative to the tree's root.
    package var path: [UInt8]
    /// The value of `errno`.
    package var number: Int32
    package var operation: Operation

    package init(path: [UInt8], number: Int32, operation: Operation) {
        self.path = path
        self.number = number
        self.operation = operation
    }
}

extension Book {
    private static let scanColumns =
        "id, tree, state, began, ended, records_changes, directories, entries, changed, problems"

    private static func scan(_ row: Statement) -> Scan {
        Scan(
            id: row.integer(0), tree: row.integer(1),
            state: Scan.State(rawValue: row.integer(2)) ?? .abandoned,
            began: row.integer(3), ended: row.optional(4, row.integer), recordsChanges: row.boolean(5),
            directories: row.integer(6), entries: row.integer(7), changed: row.integer(8),
            problems: row.integer(9))
    }

    /// The scans of a tree, newest first.
    package func scans(of tree: TreeID, limit: Int = 100) throws -> [Scan] {
        try database.rows(
            "SELECT \(Self.scanColumns) FROM scan WHERE tree = ?1 ORDER BY id DESC LIMIT ?2", [tree, limit],
            Self.scan)
    }

    /// The scan of a tree that has not ended: it is under way, or its program was killed.
    package func unfinishedScan(of tree: TreeID) throws -> Scan? {
        try database.first(
            "SELECT \(Self.scanColumns) FROM scan WHERE tree = ?1 AND state = ?2 ORDER BY id DESC LIMIT 1",
            [tree, Scan.State.running.rawValue], Self.scan)
    }

    /// Starts a scan; one that has not ended is abandoned. Within `write`.
    package func beginScan(of tree: Tree, at time: Int64) throws -> Scan {
        try database.run(
            "UPDATE scan SET state = ?2, ended = ?3, frontier = NULL WHERE tree = ?1 AND state = ?4", tree.id,
            Scan.State.abandoned.rawValue, time, Scan.State.running.rawValue)
        let scan = Scan(
            id: 0, tree: tree.id, state: .running, began: time, recordsChanges: tree.scanned != nil)
        try database.run(
            "INSERT INTO scan (tree, state, began, records_changes) VALUES (?1, ?2, ?3, ?4)", tree.id,
            scan.state.rawValue, time, scan.recordsChanges)
        var started = scan
        started.id = database.lastInsertedRow
        return started
    }

    /// How a scan looks at its tree.
    package func look(_ scan: Scan, _ tree: Tree, followsMoves: Bool = true) -> Look {
        Look(
            tree: tree.id, scan: scan.id, recordsChanges: scan.recordsChanges, since: tree.scanned ?? 0,
            followsMoves: followsMoves)
    }

    /// Notes how far a scan is. Within `write`.
    ///
    /// - Parameter frontier: what it needs to go on after a kill.
    package func save(_ scan: Scan, frontier: [UInt8]?) throws {
        try database.run(
            """
            UPDATE scan SET directories = ?2, entries = ?3, changed = ?4, problems = ?5, frontier = ?6 WHERE id = ?1
            """, scan.id, scan.directories, scan.entries, scan.changed, scan.problems, frontier)
    }

    /// What `save` kept last.
    package func frontier(of scan: Scan) throws -> [UInt8]? {
        try database.first("SELECT frontier FROM scan WHERE id = ?1", [scan.id]) { $0.optional(0, $0.blob) }
            ?? nil
    }

    /// Keeps what a scan could not look at. Within `write`.
    package func add(_ problems: [ScanProblem], to scan: Scan) throws {
        for problem in problems {
            try database.run(
                "INSERT INTO problem (scan, path, number, operation) VALUES (?1, ?2, ?3, ?4)", scan.id,
                problem.path, problem.number, problem.operation.rawValue)
        }
    }

    /// What a scan could not look at.
    package func problems(of scan: Int64) throws -> [ScanProblem] {
        try database.rows(
            "SELECT path, number, operation FROM problem WHERE scan = ?1 ORDER BY id", [scan]
        ) {
            ScanProblem(
                path: $0.blob(0), number: Int32(truncatingIfNeeded: $0.integer(1)),
                operation: ScanProblem.Operation(rawValue: $0.integer(2)) ?? .open)
        }
    }

    /// Ends a scan that has seen everything: what was found nowhere is gone, what went and came is one rename. Within `write`.
    package func finishScan(_ scan: Scan, at time: Int64) throws {
        guard let tree = try tree(scan.tree) else { throw BookError(.notFound, "no tree \(scan.tree)") }
        let look = look(scan, tree)
        while try bury(look, at: time, limit: 1_000) {}
        if scan.recordsChanges { _ = try matchMoves(of: scan.id) }
        try save(scan, frontier: nil)
        try database.run(
            "UPDATE scan SET state = ?2, ended = ?3 WHERE id = ?1", scan.id, Scan.State.completed.rawValue,
            time)
        try database.run("UPDATE tree SET scanned = ?2 WHERE id = ?1", tree.id, scan.began)
        try noteUsage(of: tree.id, at: time)
    }
}
