internal import FileEvents
internal import SQLite

/// A stored part of a directory of several.
struct StoredPart: Equatable {
    var firstName: [UInt8]
    var number: Int64
    var digest: UInt64
}

extension Book {
    /// The entries of a directory, sorted by name. Of directories among them only inode, mode and owner are known here.
    ///
    /// - Throws: `BookError` `.corrupt`, `SQLiteError`.
    package func entries(of directory: DirectoryID) throws -> [FileEntry] {
        var entries: [FileEntry] = []
        try forEachEntry(of: directory) { entries.append($0.entry) }
        return entries
    }

    /// Calls `body` at each entry of a directory in order, without making a list.
    package func forEachEntry(
        of directory: DirectoryID, _ body: (borrowing PackedPartReader) throws -> Void
    ) throws {
        let parts = try self.parts(of: directory)
        for number in parts.isEmpty ? [0] : parts.map(\.number) {
            var reader = try PackedPartReader(try contents(directory, part: number))
            while try reader.next() { try body(reader) }
        }
    }

    /// The entry of a name; of a directory, everything that is known of it.
    ///
    /// - Throws: `BookError` `.corrupt`, `SQLiteError`.
    package func entry(_ name: [UInt8], in directory: DirectoryID) throws -> FileEntry? {
        let number = try partNumber(for: name, in: directory)
        var reader = try PackedPartReader(try contents(directory, part: number))
        while try reader.next() {
            if reader.name.elementsEqual(name) {
                var entry = reader.entry
                if entry.stat.isDirectory, let row = try self.directory(name, in: directory) {
                    entry.stat = row.stat
                }
                return entry
            }
            if name.lexicographicallyPrecedes(reader.name) { return nil }
        }
        return nil
    }

    /// The entry at a path relative to the tree's root; the root itself has an empty name.
    ///
    /// - Throws: `BookError` `.badPath`, `.corrupt`; `SQLiteError`.
    package func entry(at path: [UInt8], in tree: TreeID) throws -> FileEntry? {
        var names = try Self.components(path)
        guard let name = names.popLast() else {
            return try root(of: tree).map { FileEntry(name: [], stat: $0.stat) }
        }
        var directory = try root(of: tree)
        for name in names {
            guard let parent = directory else { return nil }
            directory = try self.directory(Array(name), in: parent.id)
        }
        guard let directory else { return nil }
        return try entry(Array(name), in: directory.id)
    }

    /// The parts of a directory that has several, sorted by their first names; else none.
    func parts(of directory: DirectoryID) throws -> [StoredPart] {
        let statement = try database.prepare(
            "SELECT first, number, digest FROM part WHERE directory = ?1 ORDER BY first")
        try statement.set(1, directory)
        defer { statement.reset() }
        var parts: [StoredPart] = []
        while try statement.step() {
            parts.append(
                StoredPart(
                    firstName: statement.blob(0), number: statement.integer(1),
                    digest: UInt64(bitPattern: statement.integer(2))))
        }
        return parts
    }

    /// The part that has a name, if the directory has the name.
    func partNumber(for name: [UInt8], in directory: DirectoryID) throws -> Int64 {
        let before = try database.prepare(
            "SELECT number FROM part WHERE directory = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1")
        try before.set(1, directory)
        try before.set(2, name)
        if let number = try before.first({ $0.integer(0) }) { return number }
        let first = try database.prepare(
            "SELECT number FROM part WHERE directory = ?1 ORDER BY first LIMIT 1")
        try first.set(1, directory)
        return try first.first { $0.integer(0) } ?? 0
    }

    /// The bytes of a part; none when there is no such part.
    func contents(_ directory: DirectoryID, part: Int64) throws -> [UInt8] {
        let statement = try database.prepare("SELECT packed FROM contents WHERE id = ?1")
        try statement.set(1, directory * Int64(PackedFormat.partLimit) + part)
        return try statement.first { $0.blob(0) } ?? []
    }

    /// Puts a part where there is none.
    func addContents(_ directory: DirectoryID, part: Int64, _ bytes: [UInt8]) throws {
        let statement = try insertContents ?? database.prepare("INSERT INTO contents VALUES (?1, ?2)")
        insertContents = statement
        try statement.set(1, directory * Int64(PackedFormat.partLimit) + part)
        try statement.set(2, bytes)
        try statement.run()
    }

    func setContents(_ directory: DirectoryID, part: Int64, _ bytes: [UInt8]) throws {
        let statement = try database.prepare(
            "INSERT INTO contents VALUES (?1, ?2) ON CONFLICT DO UPDATE SET packed = excluded.packed")
        try statement.set(1, directory * Int64(PackedFormat.partLimit) + part)
        try statement.set(2, bytes)
        try statement.run()
    }

    func removeContents(_ directory: DirectoryID, part: Int64) throws {
        let statement = try database.prepare("DELETE FROM contents WHERE id = ?1")
        try statement.set(1, directory * Int64(PackedFormat.partLimit) + part)
        try statement.run()
    }
}
