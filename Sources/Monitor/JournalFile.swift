import Glibc
package import Support

/// The journal of one session as the daemon sees it: a file in `STATE/journals` that the session's process appends to.
///
/// The process holds the lock on the file as long as it lives, whatever becomes of the daemon.
package final class JournalFile: Sendable {
    /// The session that writes it.
    package let session: SessionID
    /// Bytes of the disk that are kept for each from its beginning: a day of an IDE.
    private static let reserve: Int64 = 64 << 10

    private let path: String
    private let descriptor: Descriptor

    /// Makes the journal of a new session, locked by the description that `writer` is one descriptor of.
    ///
    /// - Returns: `hasRoom`: it can grow by a good deal, even when the disk is full meanwhile.
    /// - Throws: `SystemError`.
    package static func create(
        for session: SessionID, in directory: String
    ) throws(SystemError) -> (journal: JournalFile, writer: Descriptor, hasRoom: Bool) {
        let path = "\(directory)/\(session)"
        let flags = O_CREAT | O_EXCL | O_APPEND | O_WRONLY | O_NOFOLLOW
        let writer = try Descriptor.open(path, flags, mode: 0o600)
        do throws(SystemError) {
            try writer.lock()
            return (try JournalFile(session, in: directory), writer, try writer.reserve(reserve))
        } catch {
            _ = unsafe Glibc.unlink(path)
            throw error
        }
    }

    /// Opens a journal that is there.
    ///
    /// - Throws: `SystemError`.
    package init(_ session: SessionID, in directory: String) throws(SystemError) {
        self.session = session
        path = "\(directory)/\(session)"
        descriptor = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
    }

    /// The sessions that have a journal in `directory`; other files are passed over.
    ///
    /// - Throws: `SystemError`.
    package static func sessions(in directory: String) throws(SystemError) -> [SessionID] {
        guard let stream = unsafe opendir(directory) else { throw SystemError("open \(directory)") }
        defer { unsafe closedir(stream) }
        var sessions: [SessionID] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let session = SessionID(name) { sessions.append(session) }
        }
        return sessions.sorted { $0.description < $1.description }
    }

    /// Whether the session's process lives.
    ///
    /// - Throws: `SystemError`.
    package func isHeld() throws(SystemError) -> Bool {
        try descriptor.isLocked()
    }

    /// Reads at most `limit` bytes from `offset` on; none at the end.
    ///
    /// - Throws: `SystemError` of pread(2).
    package func read(from offset: Int64, limit: Int) throws(SystemError) -> [UInt8] {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            repeat {
                count = unsafe pread(descriptor.number, buffer.baseAddress, buffer.count, off_t(offset))
            } while count < 0 && errno == EINTR
            filled = max(0, count)
        }
        try SystemError.check(count, "read \(path)")
        return bytes
    }

    /// Takes the file away; what was read of it is in the event log.
    package func remove() {
        _ = unsafe Glibc.unlink(path)
    }
}
