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
    ///   - accessLists: of the directories among them, as far as they are known.
    ///   - time: when it was so, in microseconds since 1970.
    /// - Returns: the differences, which are also kept if `look` says so.
    @discardableResult
    package func apply(
        _ files: [[UInt8]: FileStat?], accessLists: [[UInt8]: [UInt8]] = [:], to path: [UInt8],
        asOf time: Int64, _ look: Look
    ) throws -> [Change] {
        let id = try makeDirectory(try Self.components(path), look)
        guard let row = try directory(id) else { throw BookError(.corrupt, "directory \(id) is not there") }
        var entries = try entries(of: id).filter { files[$0.name] == nil }
        for case (let name, let stat?) in files where Self.isName(name) {
            entries.append(FileEntry(name: name, stat: stat))
        }
        let packed = packer.pack(
            entries, stat: row.stat, accessList: try accessList(row.access), time: row.read)
        var changes: [Change] = []
        if packed.digest != row.digest {
            changes = try update(row, packed, look)
            try record(changes, since: time, until: time, look)
        }
        for case (let name, let stat?) in files where stat.isDirectory && Self.isName(name) {
            var known = try directory(name, in: id)
            if known == nil, accessLists[name] != nil {
                known = try directory(makeDirectory(name, in: id, look))
            }
            if let known { try put(stat, accessLists[name], of: known, look) }
        }
        return changes
    }

    /// Puts a directory and everything below it to another place in the tree.
    ///
    /// - Returns: the differences, which are also kept if `look` says so; none if there is nothing at the old place.
    @discardableResult
    package func moveDirectory(
        _ old: [UInt8], to new: [UInt8], asOf time: Int64, _ look: Look
    ) throws -> [Change] {
        guard old != new, let entry = try entry(at: old, in: look.tree), !entry.name.isEmpty, !new.isEmpty
        else { return [] }
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
