internal import FileEvents
internal import SQLite

/// Directories that leave their places, are found elsewhere, or are gone.
extension Book {
    /// Does with the directories among a directory's entries what the entries say, and tells all differences.
    func follow(
        _ old: [FileEntry], _ new: [FileEntry], in directory: DirectoryID, _ look: Look
    ) throws -> [Change] {
        var changes = Change.between(old, new, in: directory)
        // First what went, so that the names are free.
        var detached: Set<[UInt8]> = []
        for change in changes where change.kind == .deleted && change.old?.isDirectory == true {
            if let row = try self.directory(change.name, in: directory) {
                try detach(row)
            } else if try find(change.old?.inode ?? 0, in: look.tree) == nil {
                // Nobody has ever read it, so nobody else will tell.
                continue
            }
            detached.insert(change.name)
        }
        // Two may have changed places: find both before either moves.
        let moves = try changes.compactMap { change -> (row: DirectoryRow, name: [UInt8])? in
            guard change.kind == .renamed, change.new?.isDirectory == true, let origin = change.origin,
                let row = try self.directory(origin.name, in: origin.directory)
            else { return nil }
            return (row, change.name)
        }
        for (row, name) in moves { try move(row, to: directory, name) }
        if look.followsMoves {
            for index in changes.indices where changes[index].kind == .created {
                guard let stat = changes[index].new, stat.isDirectory,
                    let found = try adopt(stat, directory, changes[index].name, look)
                else { continue }
                changes[index] = found.change
                let entry = FileEntry(name: changes[index].name, stat: stat)
                changes += Change.handovers(found.row.stat, entry, in: directory)
            }
        }
        // That a directory is gone is told when it is certain that it is nowhere else.
        changes.removeAll { $0.kind == .deleted && detached.contains($0.name) && $0.old?.isDirectory == true }
        return changes
    }

    /// Finds the row of a directory by its inode, and puts it to where it is now.
    func adopt(
        _ stat: FileStat, _ parent: DirectoryID, _ name: [UInt8], _ look: Look
    ) throws -> (row: DirectoryRow, change: Change)? {
        // No directory is in itself, but two file systems may have the same inode, and a host may lie.
        guard var row = try find(stat.inode, in: look.tree), row.id != parent else { return nil }
        let origin = Change.Place(directory: row.parent, name: row.name)
        let change = Change(.renamed, parent, name, old: row.stat, new: stat, origin: origin)
        if origin != Change.Place(directory: parent, name: name) || row.gone != nil {
            try move(row, to: parent, name)
            row.parent = parent
            row.name = name
            row.gone = nil
        }
        return (row, change)
    }

    /// The directory with an inode that is in its place or may yet be found; rather one that nobody has found.
    private func find(_ inode: UInt64, in tree: TreeID) throws -> DirectoryRow? {
        let statement = try database.prepare(
            """
            SELECT \(DirectoryRow.columns) FROM directory
            WHERE inode = ?1 AND tree = ?2 AND (gone IS NULL OR gone < 0) AND parent != 0 ORDER BY gone IS NULL LIMIT 1
            """)
        try statement.set(1, Int64(bitPattern: inode))
        try statement.set(2, tree)
        return try statement.first(DirectoryRow.init)
    }

    /// Takes a directory from its place, keeping everything below it, since it may be found elsewhere.
    func detach(_ row: DirectoryRow) throws {
        try database.run("UPDATE directory SET gone = -1 WHERE id = ?1", row.id)
        if row.parent != 0, row.gone == nil { addBeneath(row.parent, Figures() - (try weight(of: row))) }
    }

    /// Puts a directory to another place.
    func move(_ row: DirectoryRow, to parent: DirectoryID, _ name: [UInt8]) throws {
        // Reports that come in another order than the renames may tell of a directory in itself for a moment.
        var above = parent
        while above != 0, let next = try directory(above) {
            if next.parent == row.id {
                try detach(next)
                try database.run("UPDATE directory SET parent = ?2 WHERE id = ?1", next.id, row.parent)
                break
            }
            above = next.parent
        }
        if row.parent != 0, row.gone == nil { addBeneath(row.parent, Figures() - (try weight(of: row))) }
        addBeneath(parent, try weight(of: row))
        try database.run(
            "UPDATE directory SET parent = ?2, name = ?3, gone = NULL WHERE id = ?1", row.id, parent, name)
    }

    private func addBeneath(_ id: DirectoryID, _ figures: Figures) {
        beneath[id] = beneath[id, default: Figures()] + figures
    }

    /// What a directory adds to the sums of those above it.
    private func weight(of row: DirectoryRow) throws -> Figures {
        try row.figures + beneath(row.id)
    }

    /// Sums of everything in the directories below a directory, without its own entries.
    package func beneath(_ id: DirectoryID) throws -> Figures {
        let statement = try database.prepare(
            "SELECT files, directories, bytes, blocks FROM beneath WHERE directory = ?1")
        try statement.set(1, id)
        return try statement.first {
            Figures(
                files: $0.integer(0), directories: $0.integer(1), bytes: $0.integer(2), blocks: $0.integer(3))
        } ?? Figures()
    }

    /// Gives up on directories that were found nowhere else, some at a time.
    ///
    /// - Parameter limit: of directories.
    /// - Returns: whether there are more.
    package func bury(_ look: Look, at time: Int64, limit: Int) throws -> Bool {
        for _ in 0..<limit {
            let statement = try database.prepare(
                "SELECT \(DirectoryRow.columns) FROM directory WHERE tree = ?1 AND gone < 0 LIMIT 1")
            try statement.set(1, look.tree)
            guard let row = try statement.first(DirectoryRow.init) else { return false }
            try bury(row, look, at: time)
        }
        return true
    }

    /// Whether a directory has a row that tells what became of it: found elsewhere, still to be found, or given up by this scan.
    private func hasRow(_ inode: UInt64, _ look: Look) throws -> Bool {
        let statement = try database.prepare(
            """
            SELECT 1 FROM directory
            WHERE inode = ?1 AND tree = ?2 AND parent != 0 AND (gone IS NULL OR gone < 0 OR gone > ?3) LIMIT 1
            """)
        try statement.set(1, Int64(bitPattern: inode))
        try statement.set(2, look.tree)
        try statement.set(3, look.since)
        return try statement.first { _ in true } ?? false
    }

    /// Ends a detached directory; the directories in it are detached.
    private func bury(_ row: DirectoryRow, _ look: Look, at time: Int64) throws {
        let children = try database.rows(
            "SELECT \(DirectoryRow.columns) FROM directory WHERE parent = ?1 AND gone IS NULL", [row.id],
            DirectoryRow.init)
        for child in children { try detach(child) }

        var shares = ShareCounter()
        var linked: [LinkedFile] = []
        var changes: [Change] = []
        if look.recordsChanges { changes.append(Change(.deleted, row.parent, row.name, old: row.stat)) }
        try forEachEntry(of: row.id) { reader in
            shares.count(reader.stat)
            if reader.stat.isLinked { linked.append(LinkedFile(reader.stat)) }
            guard look.recordsChanges else { return }
            // Directories tell of themselves, but those that were never read have nobody else.
            if reader.stat.isDirectory, try hasRow(reader.stat.inode, look) { return }
            changes.append(Change(.deleted, row.id, Array(reader.name), old: reader.stat))
        }
        try record(changes, since: max(look.since, row.read), until: time, look)
        let empty = PackedDirectory(
            stat: row.stat, time: time, parts: [], digest: 0, shares: [], linked: [])
        try count(empty, minus: shares.shares, minusLinked: linked, id: row.id, tree: row.tree)
        for part in try parts(of: row.id) { try removeContents(row.id, part: part.number) }
        try removeContents(row.id, part: 0)
        try database.run("DELETE FROM part WHERE directory = ?1", row.id)
        try database.run("DELETE FROM beneath WHERE directory = ?1", row.id)
        beneath[row.id] = nil
        try database.run(
            """
            UPDATE directory SET gone = ?2, digest = 0, files = 0, directories = 0, bytes = 0, used = 0 WHERE id = ?1
            """, row.id, max(1, time))
    }
}
