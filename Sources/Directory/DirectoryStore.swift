internal import SQLite
internal import Support

/// People, groups, keys, hosts and who may reach what.
///
/// Every call is one transaction: it happens wholly or not at all. Calls block on the disk; any thread may make them.
/// Rules broken by a request are a `DirectoryError`; a database that does not work is a `SQLiteError`.
/// Times are kept in whole seconds.
package final class DirectoryStore: Sendable {
    private let tables: Locked<Tables>

    /// Opens the directory in the database file at `path`, making file and tables if need be.
    ///
    /// - Parameter uidRange: where uids and gids come from.
    /// - Throws: `SQLiteError`, with `.futureVersion` when a newer program made the tables.
    package init(path: String, uidRange: ClosedRange<UInt32> = 20_000...59_999) throws {
        let database = try Database(path: path)
        try database.migrate(module: Schema.module, Schema.migrations)
        tables = Locked(Tables(database: database, range: uidRange))
    }

    /// Runs a change of the directory, and counts it.
    func change<Result: Sendable>(_ body: @Sendable (Tables) throws -> Result) throws -> Result {
        try write { tables in
            let result = try body(tables)
            try tables.setCounter("generation", try tables.counter("generation") + 1)
            return result
        }
    }

    /// Runs a change that is not one of the directory's contents.
    func write<Result: Sendable>(_ body: @Sendable (Tables) throws -> Result) throws -> Result {
        try tables.withLock { tables in
            let tables = tables
            return try tables.database.transaction { try body(tables) }
        }
    }

    /// Runs something that reads, all of it on one state of the directory.
    func read<Result: Sendable>(_ body: @Sendable (Tables) throws -> Result) throws -> Result {
        try tables.withLock { tables in
            let tables = tables
            return try tables.database.snapshot { try body(tables) }
        }
    }

    /// A number that grows with every change, by whichever process; not with `noteUse` of a key.
    package func generation() throws -> Int64 {
        try read { try $0.counter("generation") }
    }
}
