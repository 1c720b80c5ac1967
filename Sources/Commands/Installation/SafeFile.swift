import Glibc
import Support

/// Folders and files that only their owner may change, or read.
enum SafeFile {
    /// Makes a folder and what leads to it, or checks the one that is there.
    ///
    /// - Parameter mode: of a new folder; one that lets others do more than this is refused.
    /// - Returns: whether it was made.
    /// - Throws: `SystemError`, or `CommandError` for one that is not safe.
    static func makeFolder(_ path: String, mode: UInt32) throws -> Bool {
        if let status = try status(of: path) {
            try check(status, path, kind: S_IFDIR, mode: mode)
            return false
        }
        let parent = self.parent(of: path)
        // What leads there is no secret.
        if try status(of: parent) == nil { _ = try makeFolder(parent, mode: 0o755) }
        try SystemError.check(unsafe mkdir(path, mode), "mkdir \(path)")
        try SystemError.check(unsafe chmod(path, mode), "chmod \(path)")
        return true
    }

    /// The contents of a file that others may not read; nil when there is none.
    ///
    /// - Throws: `SystemError`, or `CommandError` for one that is not safe.
    static func readSecret(_ path: String, limit: Int) throws -> [UInt8]? {
        guard let status = try status(of: path) else { return nil }
        try check(status, path, kind: S_IFREG, mode: 0o600)
        return try Descriptor.open(path, O_RDONLY | O_NOFOLLOW).readAll(limit: limit)
    }

    /// Writes a file as a whole or not at all; what is there is replaced.
    ///
    /// - Throws: `SystemError`.
    static func write(_ contents: some Collection<UInt8>, to path: String, mode: UInt32) throws(SystemError) {
        let part = path + ".part"
        _ = unsafe unlink(part)
        let file = try Descriptor.open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        try SystemError.check(fchmod(file.number, mode), "chmod \(part)")
        try file.writeAll(contents)
        try SystemError.check(fsync(file.number), "fsync \(part)")
        try SystemError.check(unsafe rename(part, path), "rename \(part)")
    }

    /// Whether there is anything at a path.
    static func exists(_ path: String) throws(SystemError) -> Bool { try status(of: path) != nil }

    /// The folder that a path is in.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private static func status(of path: String) throws(SystemError) -> stat? {
        var status = stat()
        if unsafe lstat(path, &status) == 0 { return status }
        if errno == ENOENT { return nil }
        throw SystemError("stat \(path)")
    }

    private static func check(_ status: stat, _ path: String, kind: mode_t, mode: UInt32) throws(CommandError)
    {
        let name = kind == S_IFDIR ? "folder" : "file"
        guard status.st_mode & S_IFMT == kind else {
            throw CommandError(.configuration, "\(path) is not a \(name)", hint: "move it away")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw CommandError(
                .configuration, "\(path) belongs to uid \(status.st_uid)", hint: "chown \(geteuid()) \(path)")
        }
        guard status.st_mode & 0o777 & ~mode == 0 else {
            let found = String(status.st_mode & 0o777, radix: 8)
            throw CommandError(
                .configuration, "\(path) has mode 0\(found): others could read or change it",
                hint: "chmod 0\(String(mode, radix: 8)) \(path)")
        }
    }
}
