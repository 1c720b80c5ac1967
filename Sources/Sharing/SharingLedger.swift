internal import SQLite
package import Support

/// Shares and transfers, in the directory's database file. Any thread may call it; calls block on the disk.
package final class SharingLedger: Sendable {
    private let database: Locked<Connection>

    /// - Throws: `SQLiteError`.
    package init(path: String) throws {
        let database = try Database(path: path)
        try database.migrate(module: Schema.module, Schema.migrations)
        self.database = Locked(Connection(database: database))
    }

    private func write<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try database.withLock { connection in
            let database = connection.database
            return try database.transaction { try body(database) }
        }
    }

    private func read<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try database.withLock { connection in
            let database = connection.database
            return try database.snapshot { try body(database) }
        }
    }

    // MARK: Shares

    private static let columns =
        """
        SELECT id, tree, path, inode, owner, is_group, grantee, grantee_name, writes, until, created, creator, ended
        FROM shares
        """

    private static func share(_ row: Statement) -> Share {
        let grantee =
            row.boolean(5)
            ? Grantee.group(gid: row.number(6), name: row.text(7))
            : Grantee.user(uid: row.number(6), name: row.text(7))
        var share = Share(
            id: row.integer(0), tree: row.text(1), path: row.blob(2),
            inode: UInt64(bitPattern: row.integer(3)), owner: row.number(4), grantee: grantee,
            writes: row.boolean(8), until: row.optional(9, row.timestamp), created: row.timestamp(10),
            creator: row.text(11))
        share.ended = row.optional(12, row.timestamp)
        return share
    }

    /// Shares that have not ended, oldest first.
    package func liveShares() throws -> [Share] {
        try read { try $0.rows("\(Self.columns) WHERE ended IS NULL ORDER BY id", [], Self.share) }
    }

    package func share(_ id: Int64) throws -> Share? {
        try read { try $0.first("\(Self.columns) WHERE id = ?1", [id], Self.share) }
    }

    /// Shares whose time has come.
    package func expiredShares(at time: Timestamp) throws -> [Share] {
        try read { database in
            try database.rows(
                "\(Self.columns) WHERE ended IS NULL AND until <= ?1 ORDER BY until", [time], Self.share)
        }
    }

    /// Keeps a share; one of the same thing for the same grantee that has not ended is replaced, and keeps its id.
    func keep(_ share: Share) throws -> Share {
        try write { database in
            let known = try database.first(
                """
                \(Self.columns) WHERE ended IS NULL AND tree = ?1 AND inode = ?2 AND is_group = ?3 AND grantee = ?4
                """,
                [share.tree, Int64(bitPattern: share.inode), share.grantee.isGroup, share.grantee.number],
                Self.share)
            try database.run(
                """
                INSERT OR REPLACE INTO shares VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, NULL)
                """, known?.id, share.tree, share.path, Int64(bitPattern: share.inode), share.owner,
                share.grantee.isGroup, share.grantee.number, share.grantee.name, share.writes, share.until,
                share.created, share.creator)
            let id = known?.id ?? database.lastInsertedRow
            return try database.first("\(Self.columns) WHERE id = ?1", [id], Self.share) ?? share
        }
    }

    func end(_ id: Int64, at time: Timestamp) throws {
        _ = try write { try $0.run("UPDATE shares SET ended = ?2 WHERE id = ?1", id, time) }
    }

    // MARK: Transfers

    /// Begins a transfer, before anything is changed on a host.
    func beginTransfer(from source: UInt32, to recipient: UInt32, by creator: String, at time: Timestamp)
        throws -> Int64
    {
        try write { database in
            try database.run(
                "INSERT INTO transfers VALUES (NULL, ?1, ?2, ?3, ?4, NULL)", source, recipient, time, creator)
            return database.lastInsertedRow
        }
    }

    /// Notes files that are about to change hands, with what they were: a file that was then not changed is left alone by the undoing.
    func note(_ files: [TransferredFile], in transfer: Int64) throws {
        try write { database in
            for file in files {
                try database.run(
                    "INSERT OR REPLACE INTO transferred_files VALUES (?1, ?2, ?3, ?4, ?5)", transfer,
                    file.tree, file.path, Int64(bitPattern: file.inode), file.gid)
            }
        }
    }

    func transfer(_ id: Int64) throws -> Transfer? {
        try read { database in
            try database.first(
                "SELECT id, source, recipient, created, creator, undone FROM transfers WHERE id = ?1", [id],
                Self.transfer)
        }
    }

    /// The newest transfers, newest first.
    package func transfers(limit: Int) throws -> [Transfer] {
        try read { database in
            try database.rows(
                """
                SELECT id, source, recipient, created, creator, undone FROM transfers ORDER BY id DESC LIMIT ?1
                """, [limit], Self.transfer)
        }
    }

    private static func transfer(_ row: Statement) -> Transfer {
        Transfer(
            id: row.integer(0), source: row.number(1), recipient: row.number(2), created: row.timestamp(3),
            creator: row.text(4), undone: row.optional(5, row.timestamp))
    }

    func files(of transfer: Int64) throws -> [TransferredFile] {
        try read { database in
            try database.rows(
                "SELECT tree, path, inode, gid FROM transferred_files WHERE transfer = ?1 ORDER BY tree, path",
                [transfer]
            ) { row in
                TransferredFile(
                    tree: row.text(0), path: row.blob(1), inode: UInt64(bitPattern: row.integer(2)),
                    gid: row.number(3))
            }
        }
    }

    func endTransfer(_ id: Int64, undoneAt time: Timestamp) throws {
        _ = try write { try $0.run("UPDATE transfers SET undone = ?2 WHERE id = ?1", id, time) }
    }
}

/// The connection within its lock.
private struct Connection {
    let database: Database
}

/// Files of one person that became another's.
package struct Transfer: Equatable, Sendable {
    package let id: Int64
    /// uids.
    package let source: UInt32
    package let recipient: UInt32
    package let created: Timestamp
    package let creator: String
    package let undone: Timestamp?
}

/// One of the files, as it was before.
struct TransferredFile: Equatable, Sendable {
    let tree: String
    let path: [UInt8]
    let inode: UInt64
    let gid: UInt32
}
