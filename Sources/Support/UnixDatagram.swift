import Glibc

/// One message to whoever listens at a socket of this machine.
package enum UnixDatagram {
    /// Sends it; a leading `@` in the path stands for the zero byte of the abstract name space.
    ///
    /// - Throws: `SystemError` when nobody listens, or takes it.
    package static func send(_ message: [UInt8], to path: String) throws(SystemError) {
        var bytes = Array(path.utf8)
        var address = sockaddr_un()
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("send to \(path)", number: ENAMETOOLONG)
        }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(adopting: try SystemError.check(socket(AF_UNIX, type, 0), "socket"))
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(socket.number, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        try SystemError.check(sent, "send to \(path)")
    }
}
