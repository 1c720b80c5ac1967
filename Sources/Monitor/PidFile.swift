import Glibc
import Support

/// The file with the daemon's process number; its lock keeps a second daemon out.
final class PidFile: Sendable {
    private let path: String
    private let descriptor: Descriptor

    /// Locks the file and writes the number.
    ///
    /// - Throws: `SystemError`; EAGAIN, said as a sentence, when another daemon runs.
    init(at path: String) throws {
        self.path = path
        descriptor = try Self.lock(path)
        try SystemError.check(ftruncate(descriptor.number, 0), "truncate \(path)")
        try descriptor.writeAll(Array("\(getpid())\n".utf8))
    }

    private static func lock(_ path: String) throws -> Descriptor {
        let file = try Descriptor.open(path, O_CREAT | O_RDWR | O_NOFOLLOW, mode: 0o644)
        do throws(SystemError) {
            try file.lock()
        } catch {
            guard error.number == EAGAIN || error.number == EACCES else { throw error }
            throw AlreadyRunning(description: "another gatehoused runs and holds \(path)")
        }
        return file
    }

    /// Takes the file away.
    func remove() {
        _ = unsafe unlink(path)
    }
}

/// There is a daemon already.
struct AlreadyRunning: Error, CustomStringConvertible {
    let description: String
}
