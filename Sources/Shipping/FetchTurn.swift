import Glibc
import Support

/// Whose turn it is to deliver to a gateway that calls: the newest process, since the gateway calls again when the way to an older
/// one has broken, which that one may not have noticed.
struct FetchTurn {
    private static let patience = Duration.seconds(2)

    private let path: String

    /// - Parameter runtime: the watcher's runtime folder.
    init(_ runtime: String) {
        path = runtime + "/fetched.pid"
    }

    /// Ends the process whose turn it was, and notes this one.
    ///
    /// - Throws: `SystemError`.
    func take() throws(SystemError) {
        if let older = holder { Self.end(older) }
        let new = path + ".new"
        try Descriptor.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW).writeAll("\(getpid())\n".utf8)
        try SystemError.check(unsafe rename(new, path), "rename \(new)")
    }

    /// The process that the file names, if it is one of these; only root writes there, but numbers are used again.
    private var holder: ProcessHandle? {
        guard let number = Self.contents(of: path), let pid = Int32(number.prefix { $0 != "\n" }), pid > 1,
            pid != getpid(), let handle = try? ProcessHandle(pid),
            let own = Self.contents(of: "/proc/self/cmdline"), !own.isEmpty,
            Self.contents(of: "/proc/\(pid)/cmdline") == own
        else { return nil }
        return handle
    }

    private static func end(_ process: ProcessHandle) {
        try? process.send(SIGTERM)
        if !process.ends(within: patience) { try? process.send(SIGKILL) }
    }

    private static func contents(of path: String) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW),
            let bytes = try? file.readAll(limit: 4_096)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
