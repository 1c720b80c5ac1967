package import FileEvents
internal import SQLite

/// Who may pass and list a directory.
package struct DirectoryPermissions: Equatable, Sendable {
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// As in `DirectoryReport`; nil: unknown.
    package var accessList: [UInt8]?

    package init(mode: UInt32, uid: UInt32, gid: UInt32, accessList: [UInt8]?) {
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.accessList = accessList
    }
}

/// ACLs of directories: each kept once, in the table `access_list`.
extension Book {
    /// What the row of a directory has for an ACL: nil: unknown; 0: the mode says all. Within `write`.
    func accessNumber(_ list: [UInt8]?) throws -> Int64? {
        guard let list else { return nil }
        if list.isEmpty { return 0 }
        if let known = accessNumbers[list] { return known }
        try database.run("INSERT OR IGNORE INTO access_list (list) VALUES (?1)", list)
        let number = try database.first("SELECT id FROM access_list WHERE list = ?1", [list]) {
            $0.integer(0)
        }
        accessNumbers[list] = number
        return number
    }

    /// The ACL that a row's number stands for.
    func accessList(_ number: Int64?) throws -> [UInt8]? {
        guard let number, number != 0 else { return number.map { _ in [] } }
        return try database.first("SELECT list FROM access_list WHERE id = ?1", [number]) { $0.blob(0) }
    }

    func permissions(of row: DirectoryRow) throws -> DirectoryPermissions {
        DirectoryPermissions(
            mode: row.stat.mode, uid: row.stat.uid, gid: row.stat.gid, accessList: try accessList(row.access))
    }

    /// Puts what an event says of a directory itself, unless the inode has changed since: its own row says more than the entry in its
    /// parent. Within `write`.
    ///
    /// - Parameter accessList: nil: the event does not know.
    func put(_ stat: FileStat, _ accessList: [UInt8]?, of row: DirectoryRow, _ look: Look) throws {
        if row.stat.inode == stat.inode, row.stat.changed > stat.changed, look.believes(row.stat) { return }
        // An ACL does not change without the time of the inode.
        let access =
            accessList == nil && stat.changed == row.stat.changed ? row.access : try accessNumber(accessList)
        guard row.stat != stat || row.access != access else { return }
        // No digest fits now: whatever is read next counts, also if it is what was read last.
        try database.run(
            """
            UPDATE directory SET mode = ?2, uid = ?3, gid = ?4, links = ?5, size = ?6, blocks = ?7, modified = ?8,
                changed = ?9, access = ?10, digest = 0 WHERE id = ?1
            """, row.id, stat.mode, stat.uid, stat.gid, stat.links, Int64(bitPattern: stat.size),
            Int64(bitPattern: stat.blocks), stat.modified, stat.changed, access)
    }

    /// Puts what an event says of a tree's root, unless something later is known. Within `write`.
    package func putRoot(_ stat: FileStat, _ accessList: [UInt8]?, asOf time: Int64, _ look: Look) throws {
        guard let row = try root(of: look.tree), row.read != 0, row.read < time,
            row.stat.inode == stat.inode
        else { return }
        try put(stat, accessList, of: row, look)
    }
}
