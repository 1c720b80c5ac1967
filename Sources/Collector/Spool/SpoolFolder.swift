import Glibc
import Support

/// The files of one stream: `NUMBER.seg` are finished, `NUMBER.open` is being written, `chain` is the memory.
///
/// The lock file's modification time says when the writer was last alive.
struct SpoolFolder {
    let path: String
    private let lockFile: Descriptor

    /// Makes and locks the folder.
    ///
    /// - Throws: `SystemError`; `EAGAIN` when another program writes here.
    init(_ path: String) throws(SystemError) {
        self.path = path
        try Self.make(path)
        lockFile = try Descriptor.open(path + "/lock", O_RDWR | O_CREAT)
        try lockFile.lock()
    }

    private static func make(_ path: String) throws(SystemError) {
        var built = ""
        for part in path.split(separator: "/") {
            built += "/\(part)"
            let result = unsafe mkdir(built, 0o700)
            if result != 0, errno != EEXIST { throw SystemError("mkdir \(built)") }
        }
    }

    func open(_ number: UInt64) -> String { "\(path)/\(Self.name(number)).open" }
    func finished(_ number: UInt64) -> String { "\(path)/\(Self.name(number)).seg" }

    private static func name(_ number: UInt64) -> String {
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
        guard let stream = unsafe opendir(path) else { throw SystemError("opendir \(path)") }
        defer { unsafe closedir(stream) }
        var items: [Item] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            let parts = name.split(separator: ".")
            guard parts.count == 2, parts[0].utf8.count == 16, let number = UInt64(parts[0], radix: 16),
                parts[1] == "seg" || parts[1] == "open"
            else { continue }
            var status = stat()
            guard unsafe lstat("\(path)/\(name)", &status) == 0 else { continue }
            items.append(
                Item(number: number, isOpen: parts[1] == "open", size: UInt64(status.st_blocks) * 512))
        }
        return items.sorted { $0.number < $1.number }
    }

    /// When the writer before was last alive, in microseconds since 1970; nil: never.
    func lastAlive() -> Int64? {
        var status = stat()
        guard unsafe fstat(lockFile.number, &status) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1_000
    }

    /// Notes that the writer lives.
    func touch() {
        _ = futimens(lockFile.number, nil)
    }

    /// Reads the chain's file; nil: there is none, or it is damaged.
    func readChain() -> SpoolChain? {
        guard let file = try? Descriptor.open(path + "/chain", O_RDONLY),
            let bytes = try? file.readAll(limit: SpoolChain.limit)
        else { return nil }
        return try? SpoolChain(bytes)
    }

    /// Replaces the chain's file.
    ///
    /// - Throws: `SystemError`, with the old file in place.
    func write(_ chain: SpoolChain) throws(SystemError) {
        let temporary = path + "/chain.new"
        let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(chain.bytes)
        try SystemError.check(fdatasync(file.number), "fdatasync \(temporary)")
        try SystemError.check(unsafe rename(temporary, path + "/chain"), "rename \(temporary)")
    }

    /// Makes renames in the folder last.
    func sync() {
        if let folder = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY) { fsync(folder.number) }
    }
}
