internal import CSQLite

/// Parameters and columns without a list of values, for statements that run a million times.
///
/// Parameters count from 1 and columns from 0, as SQLite counts them. A parameter that is not set again keeps its value.
extension Statement {
    /// Sets a parameter to a number.
    ///
    /// - Throws: `SQLiteError` when there is no such parameter.
    package func set(_ parameter: Int, _ number: Int64) throws(SQLiteError) {
        try unsafe check(sqlite3_bind_int64(raw, Int32(parameter), number), "bind")
    }

    /// Sets a parameter to NULL.
    ///
    /// - Throws: `SQLiteError` when there is no such parameter.
    package func setNull(_ parameter: Int) throws(SQLiteError) {
        try unsafe check(sqlite3_bind_null(raw, Int32(parameter)), "bind")
    }

    /// Sets a parameter to bytes, which are copied.
    ///
    /// - Throws: `SQLiteError` when there is no such parameter, or no memory.
    package func set(_ parameter: Int, _ bytes: [UInt8]) throws(SQLiteError) {
        try check(bind(.blob(bytes), at: Int32(parameter)), "bind")
    }

    /// Runs the statement to its end with the parameters that are set, and makes it ready for the next.
    ///
    /// - Throws: `SQLiteError`.
    package func run() throws(SQLiteError) {
        while try step() {}
        reset()
    }

    /// Runs the statement up to its first row; `row` may read the columns. Nil when there is none.
    ///
    /// - Throws: `SQLiteError`, or what `row` throws.
    package func first<Result>(_ row: (Statement) throws -> Result) throws -> Result? {
        defer { reset() }
        return try step() ? try row(self) : nil
    }

    /// Lends the bytes of a column of the current row, none for NULL, without a copy.
    package func withBytes<Result>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let start = unsafe sqlite3_column_blob(raw, Int32(column))
        let count = unsafe Int(sqlite3_column_bytes(raw, Int32(column)))
        return try unsafe body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }
}
