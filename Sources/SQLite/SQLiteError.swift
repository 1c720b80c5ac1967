internal import CSQLite

/// Why the database did not do what was asked.
package struct SQLiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: String, Sendable {
        case cannotOpen, busy, constraint, corrupt, diskFull, readOnly, futureVersion, inputOutput, tooBig,
            other
    }

    /// What went wrong.
    ///
    /// Code switches on this; people read `detail`.
    package let code: Code

    /// One line for the log: SQLite's own words and what was being done; never holds bound values.
    package let detail: String

    /// Makes an error; `detail` is a sentence for a person.
    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}

extension SQLiteError {
    /// The error that `connection` reports for `status`.
    init(_ status: Int32, on connection: OpaquePointer?, _ operation: String) {
        let reason = unsafe String(
            cString: connection == nil ? sqlite3_errstr(status) : sqlite3_errmsg(connection))
        self.init(Code(status), "\(operation): \(reason)")
    }
}

extension SQLiteError.Code {
    fileprivate init(_ status: Int32) {
        // The low byte is the primary code; the rest says more of the same.
        switch status & 0xFF {
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH: self = .cannotOpen
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_CONSTRAINT: self = .constraint
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt
        case SQLITE_FULL: self = .diskFull
        case SQLITE_READONLY: self = .readOnly
        case SQLITE_IOERR: self = .inputOutput
        case SQLITE_TOOBIG: self = .tooBig
        default: self = .other
        }
    }
}
