import Glibc
package import Support

/// The records of logins, one file for each audit session, below `RUNTIME/sessions`; only root may enter.
package struct SessionFolder: Sendable {
    private let path: String
    private let boot: [UInt8]

    /// Records that nobody has touched for this long are removed when another is written, in seconds.
    private static let retention = 30 * 86_400

    /// - Parameters:
    ///   - runtime: the folder for what does not outlive a boot, such as `/run/gatehouse-watch`.
    ///   - boot: the kernel's boot identifier, 16 bytes.
    package init(runtime: String, boot: [UInt8]) {
        path = runtime + "/sessions"
        self.boot = boot
    }

    /// What is known of an audit session; nil: nothing, or of another login or boot.
    package func record(of auditSession: UInt32, login: UInt32) -> SessionRecord? {
        guard let file = try? Descriptor.open("\(path)/\(auditSession)", O_RDONLY | O_NOFOLLOW),
            let bytes = try? file.readAll(limit: SessionRecord.limit), let record = SessionRecord(bytes),
            record.boot == boot, record.loginUID == login
        else { return nil }
        return record
    }

    /// Writes a record by a rename, and removes old ones.
    ///
    /// - Throws: `SystemError`.
    package func write(_ record: SessionRecord, of auditSession: UInt32) throws(SystemError) {
        try Folder.make(path)
        let temporary = "\(path)/.\(auditSession)-\(getpid())"
        try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW).writeAll(record.text.utf8)
        try SystemError.check(unsafe rename(temporary, "\(path)/\(auditSession)"), "rename \(temporary)")
        prune()
    }

    private func prune() {
        guard let names = try? Folder.names(path) else { return }
        let oldest = Int(time(nil)) - Self.retention
        for name in names {
            var status = stat()
            guard unsafe lstat("\(path)/\(name)", &status) == 0, status.st_mtim.tv_sec < oldest else {
                continue
            }
            _ = unsafe unlink("\(path)/\(name)")
        }
    }
}
