package import FileEvents
internal import SQLite

/// What the book knows of a directory itself.
package struct DirectoryRow: Equatable, Sendable {
    package var id: DirectoryID
    package var tree: TreeID
    /// The directory it is in; 0 for a tree's root.
    package var parent: DirectoryID
    /// Empty for a tree's root.
    package var name: [UInt8]
    /// When it was found to be gone, in microseconds since 1970; -1 while a scan may still find it elsewhere; nil: it is there.
    package var gone: Int64?
    package var stat: FileStat
    /// When its contents were last read and found new, in microseconds since 1970; 0: never read.
    package var read: Int64
    package var digest: UInt64
    /// Sums of its own entries.
    package var figures: Figures
    /// The number of its ACL; nil: unknown; 0: the mode says all.
    var access: Int64?
}

extension DirectoryRow {
    static let columns = """
        id, tree, parent, name, gone, inode, mode, uid, gid, links, size, blocks, modified, changed, read, digest,
        files, directories, bytes, used, access
        """

    init(_ row: Statement) {
        id = row.integer(0)
        tree = row.integer(1)
        parent = row.integer(2)
        name = parent == 0 ? [] : row.blob(3)
        gone = row.optional(4, row.integer)
        stat = FileStat(
            inode: UInt64(bitPattern: row.integer(5)), mode: row.number(6), uid: row.number(7),
            gid: row.number(8), links: row.number(9), size: UInt64(bitPattern: row.integer(10)),
            blocks: UInt64(bitPattern: row.integer(11)), modified: row.integer(12), changed: row.integer(13))
        read = row.integer(14)
        digest = UInt64(bitPattern: row.integer(15))
        figures = Figures(
            files: row.integer(16), directories: row.integer(17), bytes: row.integer(18),
            blocks: row.integer(19))
        access = row.optional(20, row.integer)
    }
}

extension Book {
    /// The directory with this number, also when it is gone.
    package func directory(_ id: DirectoryID) throws -> DirectoryRow? {
        let statement = try database.prepare("SELECT \(DirectoryRow.columns) FROM directory WHERE id = ?1")
        try statement.set(1, id)
        return try statement.first(DirectoryRow.init)
    }

    /// The directory of this name in another one.
    package func directory(_ name: [UInt8], in parent: DirectoryID) throws -> DirectoryRow? {
        let statement = try database.prepare(
            "SELECT \(DirectoryRow.columns) FROM directory WHERE parent = ?1 AND name = ?2 AND gone IS NULL")
        try statement.set(1, parent)
        try statement.set(2, name)
        return try statement.first(DirectoryRow.init)
    }

    /// The tree's root; nil when it has never been looked at.
    package func root(of tree: TreeID) throws -> DirectoryRow? {
        try directory(Self.rootName(tree), in: 0)
    }

    /// Roots share the parent 0, so each has its tree's number as name in the table.
    static func rootName(_ tree: TreeID) -> [UInt8] { Array(String(tree).utf8) }

    /// The directory at a path relative to the tree's root, which is the empty path.
    ///
    /// - Throws: `BookError` `.badPath`.
    package func directory(at path: [UInt8], in tree: TreeID) throws -> DirectoryRow? {
        var directory = try root(of: tree)
        for name in try Self.components(path) {
            guard let parent = directory else { return nil }
            directory = try self.directory(Array(name), in: parent.id)
        }
        return directory
    }

    /// Since when at the latest the book knows the contents of a directory, events left aside: when they were last read, or the beginning of
    /// the last completed scan if nothing was new then. Microseconds since 1970; nil: never read.
    package func asOf(_ row: DirectoryRow) throws -> Int64? {
        if row.read == 0 { return nil }
        return max(row.read, try tree(row.tree)?.scanned ?? 0)
    }

    /// The path of a directory relative to its tree, as it is now; what is gone has the path it had, below what its parents are called now.
    ///
    /// - Throws: `BookError` `.notFound`; `.corrupt` when the directory is in itself.
    package func path(of id: DirectoryID) throws -> (tree: TreeID, path: [UInt8]) {
        var names: [[UInt8]] = []
        var next = id
        while true {
            guard let row = try directory(next) else { throw BookError(.notFound, "no directory \(next)") }
            if row.parent <= 0 {
                return (row.tree, Array(names.reversed().joined(separator: [UInt8(ascii: "/")])))
            }
            names.append(row.name)
            guard names.count <= 65_536 else { throw BookError(.corrupt, "directory \(id) is in itself") }
            next = row.parent
        }
    }

    /// The names of a relative path.
    ///
    /// - Throws: `BookError` `.badPath`.
    package static func components(_ path: [UInt8]) throws(BookError) -> [ArraySlice<UInt8>] {
        if path.isEmpty { return [] }
        let names = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for name in names {
            guard isName(name) else { throw BookError(.badPath, "not a path below a tree") }
        }
        return names
    }

    /// Whether it can be the name of a directory's entry.
    static func isName(_ name: some Collection<UInt8>) -> Bool {
        !name.isEmpty && name.count <= PackedFormat.longestName && !name.contains(0)
            && !name.contains(UInt8(ascii: "/")) && !name.elementsEqual([UInt8(ascii: ".")])
            && !name.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")])
    }
}
