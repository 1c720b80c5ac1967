internal import CSQLite
package import Support

/// A prepared statement and, while it is stepped through, its current row.
///
/// Not `Sendable`: it belongs to the thread or lock that its `Database` belongs to. It may outlive the `Database`.
// The handle is private, valid until `deinit`, and every pointer that SQLite returns is copied at once.
@safe
package final class Statement {
    let raw: OpaquePointer

    init(adopting raw: OpaquePointer) {
        unsafe self.raw = unsafe raw
    }

    deinit {
        unsafe sqlite3_finalize(raw)
    }

    /// True between a `step` that gave a row and the next `reset`.
    var isBusy: Bool { unsafe sqlite3_stmt_busy(raw) != 0 }

    /// Sets the parameters `?1`, `?2`, … and makes the statement ready for its first row.
    ///
    /// - Throws: `SQLiteError`, also when there are more or fewer values than parameters.
    package func bind(_ values: [any Bindable]) throws(SQLiteError) {
        reset()
        let expected = unsafe Int(sqlite3_bind_parameter_count(raw))
        guard expected == values.count else {
            throw SQLiteError(.other, "bind: \(values.count) values for \(expected) parameters")
        }
        for (offset, value) in values.enumerated() {
            try check(bind(value.stored, at: Int32(offset + 1)), "bind")
        }
    }

    func bind(_ value: Value, at index: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(raw, index)
        case .integer(let number): return unsafe sqlite3_bind_int64(raw, index, number)
        case .text(let text):
            var text = text
            return text.withUTF8 { utf8 in
                unsafe utf8.withMemoryRebound(to: CChar.self) {
                    unsafe sqlite3_bind_text64(
                        raw, index, $0.baseAddress, UInt64($0.count), transient, UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            // An empty array may have no address, which SQLite would take for NULL.
            if bytes.isEmpty { return unsafe sqlite3_bind_zeroblob(raw, index, 0) }
            return unsafe bytes.withUnsafeBytes {
                unsafe sqlite3_bind_blob64(raw, index, $0.baseAddress, UInt64($0.count), transient)
            }
        }
    }

    /// Goes to the next row; false when there is none.
    ///
    /// - Throws: `SQLiteError`; the statement is reset then.
    package func step() throws(SQLiteError) -> Bool {
        let status = unsafe sqlite3_step(raw)
        if status == SQLITE_ROW { return true }
        if status == SQLITE_DONE { return false }
        let error = unsafe SQLiteError(status, on: sqlite3_db_handle(raw), sql)
        reset()
        throw error
    }

    /// Lets go of the current row and of the locks that reading it holds.
    package func reset() {
        _ = unsafe sqlite3_reset(raw)
    }

    private var sql: String {
        let words = unsafe String(cString: sqlite3_sql(raw)).split(whereSeparator: \.isWhitespace)
        return words.prefix(4).joined(separator: " ")
    }

    func check(_ status: Int32, _ operation: String) throws(SQLiteError) {
        if status != SQLITE_OK { throw unsafe SQLiteError(status, on: sqlite3_db_handle(raw), operation) }
    }
}

/// The columns of the current row, counted from 0.
extension Statement {
    /// Whether a column of the row, counted from 0, holds nothing.
    package func isNull(_ column: Int) -> Bool {
        unsafe sqlite3_column_type(raw, Int32(column)) == SQLITE_NULL
    }

    /// A column as a number; 0 where it holds none.
    package func integer(_ column: Int) -> Int64 {
        unsafe sqlite3_column_int64(raw, Int32(column))
    }

    /// A column as a truth value: whether its number is other than 0.
    package func boolean(_ column: Int) -> Bool {
        integer(column) != 0
    }

    /// A uid, gid or other number of 32 bits; cut to that width.
    package func number(_ column: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: integer(column))
    }

    /// A column as a moment, stored in milliseconds.
    package func timestamp(_ column: Int) -> Timestamp {
        Timestamp(milliseconds: integer(column))
    }

    /// The text, empty for NULL; bytes that are not UTF-8 are replaced.
    package func text(_ column: Int) -> String {
        guard let start = unsafe sqlite3_column_text(raw, Int32(column)) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(raw, Int32(column)))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The bytes, none for NULL.
    package func blob(_ column: Int) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(raw, Int32(column)) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(raw, Int32(column)))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// What `read` gives for the column, nil for NULL.
    package func optional<Result>(_ column: Int, _ read: (Int) -> Result) -> Result? {
        isNull(column) ? nil : read(column)
    }
}

/// SQLITE_TRANSIENT, a cast that Swift cannot import: "copy the bytes before you return".
private var transient: sqlite3_destructor_type {
    unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
