import Glibc
import Support

/// The first words of an SSH server (RFC 4253 section 4.2).
enum SSHBanner {
    private static let start = Array("SSH-".utf8)

    /// Whether a connected socket's peer begins to speak SSH; what it said stays unread.
    static func comes(from socket: Descriptor, until deadline: MonotonicTime) -> Bool {
        while socket.waits(for: Int16(POLLIN), until: deadline) {
            var bytes = [UInt8](repeating: 0, count: start.count)
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(socket.number, $0.baseAddress, $0.count, Int32(MSG_PEEK))
            }
            guard count > 0 else { return false }
            if count == start.count { return bytes == start }
            guard MonotonicTime.now < deadline else { return false }
            usleep(10_000)
        }
        return false
    }
}
