import CSupport
import Glibc

/// Unix SOCK_STREAM pairs: bytes to and from a process of our own.
package enum StreamSocket {
    /// Makes a connected pair, close-on-exec.
    ///
    /// - Throws: `SystemError` of socketpair(2).
    package static func pair() throws(SystemError) -> (Descriptor, Descriptor) {
        var ends: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
            unsafe socketpair(AF_UNIX, type, 0, raw.bindMemory(to: Int32.self).baseAddress)
        }
        try SystemError.check(result, "socketpair")
        return (Descriptor(adopting: ends.0), Descriptor(adopting: ends.1))
    }

    /// Whether the other end has sent something that nobody has read yet; false: it has closed. Blocks until one or the other.
    ///
    /// - Throws: `SystemError` of recv(2).
    package static func hasBytes(_ socket: Descriptor) throws(SystemError) -> Bool {
        while true {
            var byte: UInt8 = 0
            let count = unsafe recv(socket.number, &byte, 1, Int32(MSG_PEEK))
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == ECONNRESET { return false }
            return try SystemError.check(count, "recv") > 0
        }
    }
}
