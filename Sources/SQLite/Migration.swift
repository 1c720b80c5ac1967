package import Support

/// One step of a module's schema.
package struct Migration: Sendable {
    /// Counted from 1 within the module, without gaps; never changed once released.
    package let version: Int

    /// The statements.
    package let sql: String

    /// What statements cannot say, done after them.
    package let more: @Sendable (Database) throws -> Void

    package init(
        _ version: Int, _ sql: String, more: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) {
        self.version = version
        self.sql = sql
        self.more = more
    }
}

extension Database {
    /// Brings the module's tables to the newest of `migrations`, in one transaction.
    ///
    /// Several modules share a file, each with a row per applied step in the table `migration`.
    /// - Throws: `SQLiteError` `.futureVersion` when a newer program has been here; nothing is changed then.
    package func migrate(
        module: String, _ migrations: [Migration], at time: Timestamp = .now
    ) throws {
        precondition(
            migrations.map(\.version) == Array(1..<migrations.count + 1), "migrations are numbered from 1")
        try transaction {
            try execute(
                """
                CREATE TABLE IF NOT EXISTS migration (
                    module TEXT NOT NULL, version INTEGER NOT NULL, applied INTEGER NOT NULL,
                    PRIMARY KEY (module, version)
                ) WITHOUT ROWID
                """)
            let query = "SELECT coalesce(max(version), 0) FROM migration WHERE module = ?1"
            let present = Int(try first(query, [module]) { $0.integer(0) } ?? 0)
            guard present <= migrations.count else {
                throw SQLiteError(
                    .futureVersion,
                    "the database's \(module) tables have version \(present), made by a newer Gatehouse; "
                        + "this one knows versions up to \(migrations.count)")
            }
            for migration in migrations[present...] {
                try execute(migration.sql)
                try migration.more(self)
                try run("INSERT INTO migration VALUES (?1, ?2, ?3)", module, migration.version, time)
            }
        }
    }
}
