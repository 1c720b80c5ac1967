package import FileEvents
internal import SQLite

/// Which of a person's files are asked for.
package struct ListingFilter: Sendable {
    package var uid: UInt32
    /// At least so many bytes.
    package var smallest: UInt64
    /// Last written before, in nanoseconds since 1970; nil: whenever.
    package var writtenBefore: Int64?
    /// nil: all trees.
    package var tree: TreeID?

    package init(uid: UInt32, smallest: UInt64 = 0, writtenBefore: Int64? = nil, tree: TreeID? = nil) {
        self.uid = uid
        self.smallest = smallest
        self.writtenBefore = writtenBefore
        self.tree = tree
    }
}

/// A file of somebody.
package struct ListedFile: Equatable, Sendable {
    package var tree: TreeID
    /// Relative to the tree.
    package var path: [UInt8]
    package var stat: FileStat
}

extension Book {
    /// A person's files, the biggest first.
    ///
    /// Opens only the directories in which they own something that may fit.
    /// - Parameters:
    ///   - limit: no more than this.
    ///   - viewer: who asks; what they may not list is left out.
    package func files(_ filter: ListingFilter, limit: Int, for viewer: Viewer) throws -> [ListedFile] {
        let visibility = DirectoryVisibility(self, viewer)
        let statement = try database.prepare(
            """
            SELECT o.directory, o.biggest FROM own o JOIN directory d ON d.id = o.directory AND d.gone IS NULL
            WHERE o.uid = ?1 AND o.files > 0 AND o.biggest >= ?2 AND (?3 IS NULL OR o.oldest < ?3)
            AND (?4 IS NULL OR d.tree = ?4) ORDER BY o.biggest DESC
            """)
        try statement.bind([
            filter.uid, Int64(clamping: filter.smallest), filter.writtenBefore, filter.tree,
        ])
        var directories: [(id: DirectoryID, biggest: UInt64)] = []
        while try statement.step() {
            directories.append((statement.integer(0), UInt64(clamping: statement.integer(1))))
        }
        statement.reset()

        var found: [Found] = []
        for (id, biggest) in directories {
            if found.count >= limit {
                trim(&found, to: limit)
                if let last = found.last, last.stat.size > biggest { break }
            }
            guard try visibility.mayList(id) else { continue }
            try forEachEntry(of: id) { reader in
                let stat = reader.stat
                guard stat.uid == filter.uid, !stat.isDirectory, stat.size >= filter.smallest,
                    filter.writtenBefore.map({ stat.modified < $0 }) ?? true
                else { return }
                found.append(Found(directory: id, name: Array(reader.name), stat: stat))
            }
            if found.count >= 2 * limit + 4_096 { trim(&found, to: limit) }
        }
        trim(&found, to: limit)
        return try found.map { file in
            let place = try path(of: file.directory)
            return ListedFile(
                tree: place.tree, path: place.path.appending(name: file.name), stat: file.stat)
        }
    }

    private struct Found {
        var directory: DirectoryID
        var name: [UInt8]
        var stat: FileStat
    }

    private func trim(_ found: inout [Found], to limit: Int) {
        found.sort { left, right in
            if left.stat.size != right.stat.size { return left.stat.size > right.stat.size }
            if left.directory != right.directory { return left.directory < right.directory }
            return precedes(left.name, right.name)
        }
        found.removeLast(max(0, found.count - limit))
    }

    /// What the directories in a directory hold, everything below them included, and the files in the directory itself (an empty name).
    ///
    /// - Returns: nil when the viewer may not list it, or there is no such directory.
    package func usage(
        below path: [UInt8], in tree: Tree, for viewer: Viewer
    ) throws -> [(name: [UInt8], figures: Figures)]? {
        let visibility = DirectoryVisibility(self, viewer)
        guard let top = try directory(at: path, in: tree.id), try visibility.mayList(top.id) else {
            return nil
        }
        let rows = try database.rows(
            "SELECT \(DirectoryRow.columns) FROM directory WHERE parent = ?1 AND gone IS NULL", [top.id],
            DirectoryRow.init)
        var list = [(name: [UInt8](), figures: top.figures)]
        for row in rows where try visibility.mayList(row.id) {
            list.append((row.name, try row.figures + beneath(row.id)))
        }
        return list
    }
}
