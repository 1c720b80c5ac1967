internal import Glibc
internal import SQLite

/// The book: what is in the shared trees, whose it is, and what changed; a database file apart from the directory's.
///
/// One connection. Not `Sendable`: it lives in a `Locked` or in one thread. One `Book` at a time writes (others wait up to 5 s for it);
/// any number of others, in any process, read at the same time.
package final class Book {
    let database: Database
    /// The key of the digests in this file.
    package let digest: Digest64
    lazy var packer = DirectoryPacker(digest: digest)

    // The statements of a first scan, which runs them for each directory.
    var insertDirectory: Statement?
    var insertContents: Statement?

    // What a transaction gathers until its end, as so many rows need not be written for each directory.
    var totals: [TotalKey: Figures] = [:]
    var beneath: [DirectoryID: Figures] = [:]
    var ownRows: [OwnRow] = []
    /// The numbers of ACLs, as they were needed.
    var accessNumbers: [[UInt8]: Int64] = [:]

    /// Opens the book, making file and tables if need be.
    ///
    /// - Throws: `SQLiteError`, with `.futureVersion` when a newer program made the tables.
    package init(path: String, cacheByteCount: Int = 32 << 20) throws {
        database = try Database(
            path: path,
            tuning: Database.Tuning(
                pageByteCount: 8_192, cacheByteCount: cacheByteCount, checkpointPageCount: 4_000))
        try database.migrate(module: StateSchema.module, StateSchema.migrations)
        try database.migrate(module: EventSchema.module, EventSchema.migrations)
        digest = Digest64(key: UInt64(bitPattern: try Self.key(database)))
    }

    private static func key(_ database: Database) throws -> Int64 {
        if let key = try database.first("SELECT key FROM book_key", [], { $0.integer(0) }) { return key }
        return try database.transaction {
            // Another process may have been faster.
            try database.run(
                "INSERT INTO book_key SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM book_key)",
                Int64.random(in: .min ... .max))
            return try database.first("SELECT key FROM book_key", [], { $0.integer(0) }) ?? 0
        }
    }

    /// Runs `body` as one change of the book that happens wholly or not at all. Does not nest.
    ///
    /// - Throws: what `body` throws, after a rollback; `SQLiteError`.
    @discardableResult
    package func write<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try database.transaction {
                let result = try body()
                try flush()
                return result
            }
        } catch {
            discard()
            throw error
        }
    }

    /// Runs `body`, which only reads, on one state of the book. Does not nest.
    ///
    /// - Throws: what `body` throws.
    package func read<Result>(_ body: () throws -> Result) throws -> Result {
        try database.snapshot(body)
    }

    /// Writes what the transaction has gathered.
    func flush() throws {
        try flushOwnRows()
        try flushBeneath()
        try flushTotals()
        accessNumbers = [:]
    }

    private func discard() {
        totals = [:]
        beneath = [:]
        ownRows = []
        accessNumbers = [:]
    }

    /// The present moment as the book keeps it: microseconds since 1970.
    package static var now: Int64 {
        var value = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &value)
        return Int64(value.tv_sec) * 1_000_000 + Int64(value.tv_nsec) / 1_000
    }
}
