import CSupport
import Glibc

/// An open file descriptor with one owner; closed when the last reference goes.
///
/// A class, because descriptors live in arrays and dictionaries. `Sendable`: the number never changes.
package final class Descriptor: Sendable {
    /// The descriptor's number, valid while this object lives.
    package let number: Int32

    /// Takes over an open descriptor.
    package init(adopting number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}

extension Descriptor {
    /// Opens a file with `O_CLOEXEC`.
    ///
    /// - Throws: `SystemError` of open(2).
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(SystemError)
        -> Descriptor
    {
        let number = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
        return Descriptor(adopting: try SystemError.check(number, "open \(path)"))
    }

    /// Makes a pipe: (read end, write end), both close-on-exec.
    ///
    /// - Throws: `SystemError` of pipe2(2).
    package static func pipe() throws(SystemError) -> (read: Descriptor, write: Descriptor) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
            unsafe gh_pipe(raw.bindMemory(to: Int32.self).baseAddress)
        }
        try SystemError.checkNegated(result, "pipe")
        return (Descriptor(adopting: ends.0), Descriptor(adopting: ends.1))
    }

    /// Reads at most `limit` bytes to the end of the file.
    ///
    /// - Throws: `SystemError` of read(2), `EFBIG` when there is more than `limit`.
    package func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try read(into: &chunk)
            if count == 0 { return contents }
            if contents.count + count > limit { throw SystemError("read", number: EFBIG) }
            contents += chunk[..<count]
        }
    }

    /// Reads once into `buffer`, restarting on EINTR; 0 is the end of the file.
    ///
    /// - Throws: `SystemError` of read(2).
    package func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe Glibc.read(number, raw.baseAddress, raw.count)
            }
            if count < 0, errno == EINTR { continue }
            return try SystemError.check(count, "read")
        }
    }

    /// Writes all bytes, waiting as needed.
    ///
    /// - Throws: `SystemError` of write(2).
    package func writeAll(_ bytes: some Collection<UInt8>) throws(SystemError) {
        let contents = Array(bytes)
        var offset = 0
        while offset < contents.count {
            let count = unsafe contents.withUnsafeBytes { raw in
                unsafe write(number, raw.baseAddress?.advanced(by: offset), raw.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            offset += try SystemError.check(count, "write")
        }
    }

    /// Switches O_NONBLOCK on or off.
    ///
    /// - Throws: `SystemError` of fcntl(2).
    package func setNonBlocking(_ enabled: Bool) throws(SystemError) {
        try SystemError.checkNegated(gh_set_nonblocking(number, enabled ? 1 : 0), "fcntl")
    }

    /// A second descriptor of the same open file description.
    ///
    /// - Throws: `SystemError` of fcntl(2).
    package func duplicate() throws(SystemError) -> Descriptor {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        return Descriptor(adopting: try SystemError.check(copy, "dup"))
    }
}

extension Descriptor {
    /// Reads `count` bytes at `offset`, fewer at the end of the file.
    ///
    /// - Throws: `SystemError` of pread(2).
    package func read(at offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            repeat {
                result = unsafe pread(number, buffer.baseAddress, buffer.count, off_t(clamping: offset))
            } while result < 0 && errno == EINTR
            filled = max(0, result)
        }
        try SystemError.check(result, "read")
        return bytes
    }

    /// How many bytes the file has.
    ///
    /// - Throws: `SystemError` of fstat(2).
    package func size() throws(SystemError) -> UInt64 {
        var status = stat()
        try SystemError.check(unsafe fstat(number, &status), "fstat")
        return UInt64(max(0, status.st_size))
    }

    /// When the file was written last.
    ///
    /// - Throws: `SystemError` of fstat(2).
    package func modificationTime() throws(SystemError) -> Timestamp {
        var status = stat()
        try SystemError.check(unsafe fstat(number, &status), "fstat")
        let time = status.st_mtim
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// How many bytes are free where the file is, for who is not root.
    ///
    /// - Throws: `SystemError` of fstatvfs(3).
    package func freeSpace() throws(SystemError) -> UInt64 {
        var status = statvfs()
        try SystemError.check(unsafe fstatvfs(number, &status), "fstatvfs")
        let (bytes, isTooMany) = UInt64(status.f_bavail).multipliedReportingOverflow(
            by: UInt64(status.f_frsize))
        return isTooMany ? .max : bytes
    }

    /// Waits until the file's bytes are on the disk.
    ///
    /// - Throws: `SystemError` of fsync(2).
    package func sync() throws(SystemError) {
        try SystemError.check(fsync(number), "fsync")
    }
}
