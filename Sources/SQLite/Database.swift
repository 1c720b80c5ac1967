internal import CSQLite
internal import Glibc
internal import Support

/// One connection to a database file.
///
/// WAL, foreign keys on, `synchronous=NORMAL` (a crash of the program loses nothing; a crash of the machine may lose the last
/// transactions, whole ones, never parts), a schema that is not trusted, and a wait of 5 s for another writer.
/// Not `Sendable`: opened without SQLite's own mutex, so it lives in a `Locked` or in one thread.
// The handle is private, valid until `deinit`, and passed to SQLite only.
@safe
package final class Database {
    private let raw: OpaquePointer
    private var statements: [String: Statement] = [:]

    /// What a big database wants other than SQLite's defaults.
    package struct Tuning: Sendable {
        /// A power of two from 512 to 65,536.
        package var pageByteCount: Int
        /// How much of the file a connection keeps in memory at the most.
        package var cacheByteCount: Int
        /// The log goes into the file when it has so many pages.
        package var checkpointPageCount: Int

        package init(pageByteCount: Int, cacheByteCount: Int, checkpointPageCount: Int) {
            self.pageByteCount = pageByteCount
            self.cacheByteCount = cacheByteCount
            self.checkpointPageCount = checkpointPageCount
        }
    }

    /// Opens the file, creating it with mode 0600 if there is none; `:memory:` is a database of its own.
    ///
    /// - Parameter tuning: for databases of many megabytes; the page size counts when the file is made.
    /// - Throws: `SQLiteError` with code `.cannotOpen`, `.corrupt` or `.busy`.
    package init(path: String, tuning: Tuning? = nil) throws(SQLiteError) {
        if path != ":memory:" { try Self.createPrivately(path) }
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let status = unsafe sqlite3_open_v2(path, &handle, flags, nil)
        guard status == SQLITE_OK, let opened = unsafe handle else {
            let error = unsafe SQLiteError(status, on: handle, "open \(path)")
            unsafe sqlite3_close_v2(handle)
            throw error
        }
        unsafe raw = unsafe opened
        unsafe sqlite3_busy_timeout(raw, 5_000)
        if let tuning { try execute("PRAGMA page_size = \(tuning.pageByteCount)") }
        try useWriteAheadLog()
        if let tuning {
            try execute(
                """
                PRAGMA cache_size = -\(tuning.cacheByteCount / 1_024);
                PRAGMA wal_autocheckpoint = \(tuning.checkpointPageCount)
                """)
        }
        try execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF")
    }

    deinit {
        statements = [:]
        // Closes now, or when the last statement that somebody holds is gone.
        unsafe sqlite3_close_v2(raw)
    }

    /// Makes the file or takes away what others may do with it.
    ///
    /// An existing file is not opened: closing it would drop the locks that another connection of this process holds.
    private static func createPrivately(_ path: String) throws(SQLiteError) {
        let number = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if number >= 0 {
            close(number)
            return
        }
        if errno != EEXIST { throw SQLiteError(.cannotOpen, SystemError("create \(path)").description) }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw SQLiteError(.cannotOpen, SystemError("stat \(path)").description)
        }
        if status.st_mode & 0o077 != 0, unsafe chmod(path, 0o600) != 0 {
            throw SQLiteError(.cannotOpen, SystemError("chmod \(path)").description)
        }
    }

    /// The change of journal mode does not wait for others by itself, unlike everything later.
    private func useWriteAheadLog() throws(SQLiteError) {
        var attempts = 0
        while true {
            do throws(SQLiteError) {
                return try execute("PRAGMA journal_mode = WAL")
            } catch {
                attempts += 1
                guard error.code == .busy, attempts < 100 else { throw error }
                usleep(20_000)
            }
        }
    }

    /// Runs statements without parameters and without results.
    ///
    /// - Throws: `SQLiteError`.
    package func execute(_ sql: String) throws(SQLiteError) {
        let status = unsafe sqlite3_exec(raw, sql, nil, nil, nil)
        if status != SQLITE_OK {
            let words = sql.split(whereSeparator: \.isWhitespace).prefix(4).joined(separator: " ")
            throw unsafe SQLiteError(status, on: raw, words)
        }
    }

    /// A prepared statement, kept for the next call with the same text.
    ///
    /// - Throws: `SQLiteError`, which a mistake in `sql` also is.
    package func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        if let known = statements[sql], !known.isBusy { return known }
        var prepared: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let status = unsafe sqlite3_prepare_v3(raw, sql, -1, flags, &prepared, nil)
        guard status == SQLITE_OK, let adopted = unsafe prepared else {
            throw unsafe SQLiteError(status, on: raw, "prepare")
        }
        let statement = unsafe Statement(adopting: adopted)
        statements[sql] = statement
        return statement
    }

    /// Runs one statement to its end.
    ///
    /// - Returns: how many rows it changed.
    /// - Throws: `SQLiteError`.
    @discardableResult
    package func run(_ sql: String, _ values: any Bindable...) throws(SQLiteError) -> Int {
        let statement = try prepare(sql)
        try statement.bind(values)
        defer { statement.reset() }
        while try statement.step() {}
        return unsafe Int(sqlite3_changes64(raw))
    }

    /// What `row` makes of each row, in order.
    ///
    /// - Throws: `SQLiteError`, or what `row` throws.
    package func rows<Result>(
        _ sql: String, _ values: [any Bindable] = [], _ row: (Statement) throws -> Result
    ) throws -> [Result] {
        let statement = try prepare(sql)
        try statement.bind(values)
        defer { statement.reset() }
        var results: [Result] = []
        while try statement.step() { results.append(try row(statement)) }
        return results
    }

    /// What `row` makes of the first row; nil when there is none.
    ///
    /// - Throws: `SQLiteError`, or what `row` throws.
    package func first<Result>(
        _ sql: String, _ values: [any Bindable] = [], _ row: (Statement) throws -> Result
    ) throws -> Result? {
        let statement = try prepare(sql)
        try statement.bind(values)
        defer { statement.reset() }
        return try statement.step() ? try row(statement) : nil
    }

    /// The number that the last INSERT gave its row.
    package var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(raw) }

    /// True inside of `transaction`.
    package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(raw) == 0 }

    /// Runs `body` as one change that happens wholly or not at all. Does not nest.
    ///
    /// It is the writer from the start (BEGIN IMMEDIATE), so it never fails halfway because another writer came first.
    /// - Throws: what `body` throws, after a rollback; `SQLiteError` `.busy` after waiting 5 s for another writer.
    package func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        precondition(!isInTransaction, "transactions do not nest")
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // SQLite may have rolled back by itself, on a full disk for example.
            if isInTransaction { _ = try? run("ROLLBACK") }
            throw error
        }
    }

    /// Runs `body`, which only reads, on one state of the database. Does not nest.
    ///
    /// - Throws: what `body` throws.
    package func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
        precondition(!isInTransaction, "transactions do not nest")
        try run("BEGIN")
        defer { if isInTransaction { _ = try? run("ROLLBACK") } }
        return try body()
    }
}
