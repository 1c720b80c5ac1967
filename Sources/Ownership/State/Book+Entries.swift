package import FileEvents
internal import SQLite

/// New states of single names, as events tell them. All within `write`.
extension Book {
    /// Puts what is now at some names of a directory. The rest of the directory stays as it is; so does when it was read.
    ///
    /// The caller sees to it that only the newest is put: what comes late would turn the state back.
    /// - Parameters:
    ///   - path: the directory, relative to the tree's root; made, as never read, with what leads to it if it is not known.
    ///   - files: what each name leads to; nil: nothing. What cannot be a name is left out.
    ///   - time: when it was so, in microseconds since 1970.
    /// - Returns: the differences, which are also kept if `look` says so.
    @discardableResult
    package func apply(
        _ files: [[UInt8]: FileStat?], to path: [UInt8], asOf time: Int64, _ look: Look
    ) throws -> [Change] {
        let id = try makeDirectory(try Self.components(path), look)
        guard let row = try directory(id) else { throw BookError(.corrupt, "directory \(id) is not there") }
        var entries = try entries(of: id).filter { files[$0.name] == nil }
        for case (let name, let stat?) in files where Self.isName(name) {
            entries.append(FileEntry(name: name, stat: stat))
        }
        let packed = packer.pack(entries, stat: row.stat, time: row.read)
        if packed.digest == row.digest { return [] }
        let changes = try update(row, packed, look)
        try record(changes, since: time, until: time, look)
        for case (let name, let stat?) in files where stat.isDirectory {
            try putStat(stat, of: name, in: id)
        }
        return changes
    }

    /// A directory's own row says more than the entry in its parent.
    private func putStat(_ stat: FileStat, of name: [UInt8], in parent: DirectoryID) throws {
        guard let row = try directory(name, in: parent), row.stat != stat, row.read != 0 else { return }
        // The digest no longer fits on purpose: the next scan looks at the directory again.
        try database.run(
            """
            UPDATE directory SET mode = ?2, uid = ?3, gid = ?4, links = ?5, size = ?6, blocks = ?7, modified = ?8,
                changed = ?9 WHERE id = ?1
            """, row.id, stat.mode, stat.uid, stat.gid, stat.links, Int64(bitPattern: stat.size),
            Int64(bitPattern: stat.blocks), stat.modified, stat.changed)
    }

    /// Puts a directory and everything below it to another place in the tree.
    ///
    /// - Returns: the differences, which are also kept if `look` says so; none if there is nothing at the old place.
    @discardableResult
    package func moveDirectory(
        _ old: [UInt8], to new: [UInt8], asOf time: Int64, _ look: Look
    ) throws -> [Change] {
        guard let entry = try entry(at: old, in: look.tree), !entry.name.isEmpty, !new.isEmpty else {
            return []
        }
        let (from, name) = Self.split(old)
        let (into, newName) = Self.split(new)
        if from == into {
            return try apply([name: nil, newName: entry.stat], to: from, asOf: time, look)
        }
        let changes = try apply([newName: entry.stat], to: into, asOf: time, look)
        return changes + (try apply([name: nil], to: from, asOf: time, look))
    }

    /// A path's directory and its last name.
    package static func split(_ path: [UInt8]) -> (directory: [UInt8], name: [UInt8]) {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return ([], path) }
        return (Array(path[..<slash]), Array(path[(slash + 1)...]))
    }
}
