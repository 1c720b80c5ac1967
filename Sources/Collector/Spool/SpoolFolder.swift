import FileEvents
import Glibc
import Support

/// The files of one stream: `STREAM-NUMBER.segment` are finished, `STREAM-NUMBER.open` is being written, `STREAM.chain` is
/// the memory.
///
/// The lock file's modification time says until when all is told.
struct SpoolFolder {
    let path: String
    private let stream: String
    private let lockFile: Descriptor

    /// Makes and locks the folder.
    ///
    /// - Throws: `SystemError`; `EAGAIN` when another program writes here.
    init(_ path: String, _ stream: SegmentHeader.Stream) throws(SystemError) {
        self.path = path
        self.stream = "\(stream)"
        try Folder.make(path)
        lockFile = try Descriptor.open("\(path)/\(stream).lock", O_RDWR | O_CREAT)
        try lockFile.lock()
    }

    private var chainPath: String { "\(path)/\(stream).chain" }

    func open(_ number: UInt64) -> String { "\(path)/\(stream)-\(Self.digits(number)).open" }
    func finished(_ number: UInt64) -> String { "\(path)/\(stream)-\(Self.digits(number)).segment" }

    private static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// One segment's file.
    struct Item {
        var number: UInt64
        var isOpen: Bool
        var size: UInt64
    }

    /// All segments, the oldest first.
    ///
    /// - Throws: `SystemError` of opendir(3).
    func items() throws(SystemError) -> [Item] {
        var items: [Item] = []
        for name in try Folder.names(path) {
            let parts = name.split(separator: ".")
            guard parts.count == 2, parts[0].hasPrefix(stream + "-"),
                let number = UInt64(parts[0].dropFirst(stream.count + 1), radix: 16),
                parts[1] == "segment" || parts[1] == "open"
            else { continue }
            var status = stat()
            guard unsafe lstat("\(path)/\(name)", &status) == 0 else { continue }
            items.append(
                Item(number: number, isOpen: parts[1] == "open", size: UInt64(status.st_blocks) * 512))
        }
        return items.sorted { $0.number < $1.number }
    }

    /// Until when the writer before has told all, in microseconds since 1970.
    func lastAlive() -> Int64? {
        var status = stat()
        guard unsafe fstat(lockFile.number, &status) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1_000
    }

    /// Notes until when all is told, in microseconds since 1970.
    func noteAlive(at time: Int64) {
        let value = timespec(tv_sec: Int(time / 1_000_000), tv_nsec: Int(time % 1_000_000) * 1_000)
        _ = unsafe futimens(lockFile.number, [value, value])
    }

    /// Reads the chain's file; nil: there is none, or it is damaged.
    func readChain() -> SpoolChain? {
        guard let file = try? Descriptor.open(chainPath, O_RDONLY),
            let bytes = try? file.readAll(limit: SpoolChain.limit)
        else { return nil }
        return try? SpoolChain(bytes)
    }

    /// Replaces the chain's file.
    ///
    /// - Throws: `SystemError`, with the old file in place.
    func write(_ chain: SpoolChain) throws(SystemError) {
        let temporary = chainPath + ".new"
        let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(chain.bytes)
        try SystemError.check(fdatasync(file.number), "fdatasync \(temporary)")
        try SystemError.check(unsafe rename(temporary, chainPath), "rename \(temporary)")
    }

    /// Makes renames in the folder last.
    func sync() {
        if let folder = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY) { fsync(folder.number) }
    }
}
