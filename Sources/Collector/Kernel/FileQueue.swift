import CWatch
import Glibc
import Support

/// A queue of file events.
///
/// Not `Sendable`: one thread uses it.
final class FileQueue {
    enum Kind {
        /// Names and handles; whole file systems.
        case names
        /// Open files; mounts. For file systems that have no handles for it: NFS, overlay, FUSE.
        case files

        fileprivate var number: Int32 {
            switch self {
            case .names: Int32(GH_WATCH_NAMES)
            case .files: Int32(GH_WATCH_FILES)
            }
        }
    }

    let descriptor: Descriptor
    let kind: Kind
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    /// No event is longer, in bytes: a name and four handles at the most.
    private static let longest = 2_048

    /// - Throws: `SystemError` of fanotify_init(2).
    init(_ kind: Kind) throws(SystemError) {
        self.kind = kind
        let number = gh_watch_open(kind.number)
        try SystemError.checkNegated(number, "fanotify_init")
        descriptor = Descriptor(adopting: number)
    }

    /// Watches what is mounted at a path.
    ///
    /// - Throws: `SystemError` of fanotify_mark(2), such as `ENODEV` or `EOPNOTSUPP` where the file system cannot.
    func mark(_ path: String) throws(SystemError) {
        try SystemError.checkNegated(
            unsafe gh_watch_mark(descriptor.number, kind.number, path), "fanotify_mark \(path)")
    }

    /// Reads once: all that waits, or as much as fits.
    ///
    /// What comes meanwhile is left, so that the kernel merges it instead of handing it over one by one.
    ///
    /// - Returns: whether more may wait.
    /// - Throws: `SystemError` of read(2), or `EBADMSG` for something that is no event.
    func read(into notices: inout [FileNotice]) throws(SystemError) -> Bool {
        let count = unsafe buffer.withUnsafeMutableBytes { raw in
            unsafe Glibc.read(descriptor.number, raw.baseAddress, raw.count)
        }
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return false }
            throw SystemError("reading file events")
        }
        guard FileNotice.decode(buffer, count: count, into: &notices) else {
            throw SystemError("reading file events", number: EBADMSG)
        }
        return count > buffer.count - Self.longest
    }

    /// Lets more events wait than the kernel does by default; the limit is the system's, and is only ever raised.
    static func raiseLimit(to count: Int) {
        let path = "/proc/sys/fs/fanotify/max_queued_events"
        guard let file = try? Descriptor.open(path, O_RDWR), let bytes = try? file.readAll(limit: 64),
            let present = Int(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)), present < count
        else { return }
        try? Descriptor.open(path, O_WRONLY).writeAll("\(count)".utf8)
    }
}
