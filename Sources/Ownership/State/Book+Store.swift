package import FileEvents
internal import SQLite

/// What became of a directory that was looked at.
package struct StoredDirectory: Sendable {
    package var id: DirectoryID
    /// False: it was known like this, and nothing was written.
    package var isChanged: Bool
    package var changes: [Change] = []
}

/// New states of whole directories. All within `write`.
extension Book {
    /// Puts the state of a directory that a scan has read, and notes what is different.
    ///
    /// Directories that the path goes through and that are not known yet are made, as never read. Late reports change nothing: a directory
    /// that was read or changed later is left alone.
    /// - Parameters:
    ///   - path: relative to the tree's root.
    ///   - accessList: as in `DirectoryReport`.
    ///   - entries: all of them, in any order.
    ///   - time: when reading it began, in microseconds since 1970.
    /// - Returns: the differences, which are also kept if `look` says so.
    /// - Throws: `BookError`, `SQLiteError`.
    @discardableResult
    package func replaceDirectory(
        _ path: [UInt8], stat: FileStat, accessList: [UInt8]? = nil, entries: [FileEntry], asOf time: Int64,
        _ look: Look
    ) throws -> [Change] {
        let packed = packer.pack(
            entries.filter { Self.isName($0.name) }, stat: stat, accessList: accessList, time: time)
        var names = try Self.components(path)
        guard let name = names.popLast() else {
            return try store(packed, known: try root(of: look.tree), parent: 0, name: [], look).changes
        }
        let parent = try makeDirectory(names, look)
        let known = try directory(Array(name), in: parent)
        return try store(packed, known: known, parent: parent, name: Array(name), look).changes
    }

    /// Notes that a directory is gone, unless a scan finds it elsewhere before `finishScan`.
    ///
    /// A tree's root stays: where it is not found it is not mounted, which says nothing of what is in it.
    package func removeDirectory(_ path: [UInt8], _ look: Look) throws {
        if path.isEmpty { return }
        if let row = try directory(at: path, in: look.tree) { try detach(row) }
    }

    /// The directory at a path, made with what leads to it if it is not there.
    func makeDirectory(_ names: [ArraySlice<UInt8>], _ look: Look) throws -> DirectoryID {
        var directory = try root(of: look.tree)?.id ?? makeDirectory([], in: 0, look)
        for name in names.map(Array.init) {
            directory =
                try self.directory(name, in: directory)?.id ?? makeDirectory(name, in: directory, look)
        }
        return directory
    }

    /// Makes the row of a directory that was never read.
    func makeDirectory(_ name: [UInt8], in parent: DirectoryID, _ look: Look) throws -> DirectoryID {
        var stat = FileStat(
            inode: 0, mode: 0o040000, uid: 0, gid: 0, links: 1, size: 0, blocks: 0, modified: 0, changed: 0)
        if parent != 0, let entry = try entry(name, in: parent) { stat = entry.stat }
        let packed = PackedDirectory(stat: stat, time: 0, parts: [], digest: 0, shares: [], linked: [])
        return try insert(packed, parent: parent, name: name, look)
    }

    /// Puts the state of a directory.
    ///
    /// - Parameter known: its row, if it has one; its `parent` and `name` are those given.
    package func store(
        _ packed: PackedDirectory, known: DirectoryRow?, parent: DirectoryID, name: [UInt8], _ look: Look
    ) throws -> StoredDirectory {
        var packed = packed
        var row = known
        if let stale = row, stale.stat.inode != packed.stat.inode, stale.stat.inode != 0, parent != 0 {
            // Another directory of that name.
            try detach(stale)
            row = nil
        }
        if row == nil, look.followsMoves, parent != 0 {
            row = try adopt(packed.stat, parent, name, look)?.row
        }
        guard let row else {
            let id = try insert(packed, parent: parent, name: name, look)
            guard look.recordsChanges else { return StoredDirectory(id: id, isChanged: true) }
            let entries = try packed.parts.flatMap { try PackedPartReader.entries($0.bytes) }
            let changes = try follow([], entries, in: id, look)
            try record(changes, since: look.since, until: packed.time, look)
            return StoredDirectory(id: id, isChanged: true, changes: changes)
        }
        if row.digest == packed.digest || packed.time < row.read {
            return StoredDirectory(id: row.id, isChanged: false)
        }
        if row.stat.inode == packed.stat.inode, row.stat.changed / 1_000 > packed.time,
            look.believes(row.stat)
        {
            // An event told of it what happened after it was read, of which the digest does not know.
            packed.stat = row.stat
            packed.accessList = try accessList(row.access)
            packed.digest = 0
        }
        let isFirstReading = row.read == 0
        let changes = try update(row, packed, look)
        guard look.recordsChanges else { return StoredDirectory(id: row.id, isChanged: true) }
        let since = isFirstReading ? look.since : max(look.since, row.read)
        try record(changes, since: since, until: packed.time, look)
        return StoredDirectory(id: row.id, isChanged: true, changes: changes)
    }

    /// Makes the row of a directory that is not known, with everything that hangs on it.
    func insert(
        _ packed: PackedDirectory, parent: DirectoryID, name: [UInt8], _ look: Look
    ) throws -> DirectoryID {
        let figures = packed.shares.reduce(Figures()) { $0 + Figures($1) }
        let statement =
            try insertDirectory
            ?? database.prepare(
                """
                INSERT INTO directory (tree, parent, name, inode, mode, uid, gid, links, size, blocks, modified, changed,
                    read, digest, files, directories, bytes, used, access)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
                """)
        insertDirectory = statement
        try statement.set(1, look.tree)
        try statement.set(2, parent)
        try statement.set(3, parent == 0 ? Self.rootName(look.tree) : name)
        try statement.set(packed, figures, access: accessNumber(packed.accessList))
        try statement.run()
        let id = database.lastInsertedRow
        if packed.parts.count > 1 {
            try replaceParts(of: id, [], packed.parts)
        } else if let part = packed.parts.first {
            try addContents(id, part: 0, part.bytes)
        }
        try count(packed, minus: [], minusLinked: [], id: id, tree: look.tree)
        if parent != 0 { beneath[parent, default: Figures()] = beneath[parent, default: Figures()] + figures }
        return id
    }

    /// Puts another state of a directory that has a row.
    func update(_ row: DirectoryRow, _ packed: PackedDirectory, _ look: Look) throws -> [Change] {
        let stored = try parts(of: row.id)
        let same = Set(stored.map { PartKey($0.firstName, $0.digest) })
            .intersection(packed.parts.map { PartKey($0.firstName, $0.digest) })
        var oldShares: [OwnerShare] = []
        var oldLinked: [LinkedFile] = []
        var old: [FileEntry] = []
        for part in stored.isEmpty ? [StoredPart(firstName: [], number: 0, digest: 0)] : stored {
            let isKept = same.contains(PartKey(part.firstName, part.digest))
            var shares = ShareCounter()
            var reader = try PackedPartReader(try contents(row.id, part: part.number))
            while try reader.next() {
                shares.count(reader.stat)
                if reader.stat.isLinked { oldLinked.append(LinkedFile(reader.stat)) }
                if !isKept { old.append(reader.entry) }
            }
            oldShares.add(shares.shares)
        }
        let new = try packed.parts.filter { !same.contains(PartKey($0.firstName, $0.digest)) }
            .flatMap { try PackedPartReader.entries($0.bytes) }

        try replaceParts(of: row.id, stored, packed.parts)
        let figures = packed.shares.reduce(Figures()) { $0 + Figures($1) }
        let statement = try database.prepare(
            """
            UPDATE directory SET inode = ?4, mode = ?5, uid = ?6, gid = ?7, links = ?8, size = ?9, blocks = ?10,
                modified = ?11, changed = ?12, read = ?13, digest = ?14, files = ?15, directories = ?16, bytes = ?17,
                used = ?18, access = ?19
            WHERE id = ?1 AND ?2 = ?2 AND ?3 = ?3
            """)
        try statement.set(1, row.id)
        try statement.set(2, 0)
        try statement.set(3, 0)
        try statement.set(packed, figures, access: accessNumber(packed.accessList))
        try statement.run()
        try count(packed, minus: oldShares, minusLinked: oldLinked, id: row.id, tree: row.tree)
        if row.parent != 0 {
            beneath[row.parent] = beneath[row.parent, default: Figures()] + figures - row.figures
        }
        var changes = try follow(old, new, in: row.id, look)
        if row.parent == 0, row.read != 0 {
            // A root has no entry that could tell.
            let entry = FileEntry(name: [], stat: packed.stat)
            changes += Change.differences(row.stat, entry, in: row.id)
        }
        return changes
    }

    /// Writes the parts that are not there yet, and takes away those that are no more.
    private func replaceParts(
        of id: DirectoryID, _ stored: [StoredPart], _ parts: [PackedDirectory.Part]
    ) throws {
        if parts.count <= 1, stored.count <= 1 {
            if let part = parts.first {
                try setContents(id, part: 0, part.bytes)
            } else {
                try removeContents(id, part: 0)
            }
            return
        }
        var numbers: [PartKey: Int64] = [:]
        // A directory of one part has it as number 0.
        for part in stored where parts.count > 1 {
            numbers[PartKey(part.firstName, part.digest)] = part.number
        }
        let kept = parts.compactMap { numbers[PartKey($0.firstName, $0.digest)] }
        let taken = Set(kept)
        for part in stored where !taken.contains(part.number) { try removeContents(id, part: part.number) }
        if stored.isEmpty { try removeContents(id, part: 0) }
        try database.run("DELETE FROM part WHERE directory = ?1", id)
        var free: Int64 = 0
        for part in parts {
            var number = numbers[PartKey(part.firstName, part.digest)]
            if number == nil {
                while taken.contains(free) { free += 1 }
                guard free < PackedFormat.partLimit else {
                    throw BookError(.corrupt, "a directory has too many entries")
                }
                number = free
                free += 1
                try setContents(id, part: number ?? 0, part.bytes)
            }
            if parts.count > 1 {
                try database.run(
                    "INSERT INTO part VALUES (?1, ?2, ?3, ?4)", id, part.firstName, number ?? 0,
                    Int64(bitPattern: part.digest))
            }
        }
    }
}

/// A part, by where it begins and what it holds.
private struct PartKey: Hashable {
    var firstName: [UInt8]
    var digest: UInt64

    init(_ firstName: [UInt8], _ digest: UInt64) {
        self.firstName = firstName
        self.digest = digest
    }
}

extension Statement {
    /// Sets the parameters 4 to 19 to what a row of `directory` says of contents.
    fileprivate func set(
        _ packed: PackedDirectory, _ figures: Figures, access: Int64?
    ) throws(SQLiteError) {
        let stat = packed.stat
        try set(4, Int64(bitPattern: stat.inode))
        try set(5, Int64(stat.mode))
        try set(6, Int64(stat.uid))
        try set(7, Int64(stat.gid))
        try set(8, Int64(stat.links))
        try set(9, Int64(bitPattern: stat.size))
        try set(10, Int64(bitPattern: stat.blocks))
        try set(11, stat.modified)
        try set(12, stat.changed)
        try set(13, packed.time)
        try set(14, Int64(bitPattern: packed.digest))
        try set(15, figures.files)
        try set(16, figures.directories)
        try set(17, figures.bytes)
        try set(18, figures.blocks)
        if let access { try set(19, access) } else { try setNull(19) }
    }
}
