import Audit
import Support

/// How the end of a session gets into the log, whoever notices it.
enum SessionEnding {
    /// The reason for a session whose process said none.
    ///
    /// - Parameter status: its exit status, or 128 plus a signal; nil when another daemon was its parent.
    static func unexpected(status: Int32?) -> String {
        switch status {
        case nil: "the session process ended without a word"
        case 0: "closed"
        case .some(let status) where status > 128: "the session process died (signal \(status - 128))"
        case .some(let status): "the session process failed (status \(status))"
        }
    }

    /// Writes the end with its event, once.
    ///
    /// - Throws: `SQLiteError`, `AuditError`.
    static func write(
        _ reason: String, of session: SessionID, user: String?, host: String?, address: String?,
        into log: EventLog
    ) throws {
        let row = try log.session(session.description)
        var detail = ["reason": reason]
        if let row {
            detail["bytes_from_client"] = String(row.bytesFromClient)
            detail["bytes_to_client"] = String(row.bytesToClient)
            detail["exit_status"] = row.exitStatus.map { String($0) }
            detail["exit_signal"] = row.exitSignal
        }
        try log.end(
            session.description, reason: reason,
            with: Event(
                .sessionEnded, session: session.description, user: user ?? row?.user,
                host: host ?? row?.host, address: address ?? row?.clientAddress, detail: detail))
    }
}
