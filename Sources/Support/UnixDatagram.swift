import Glibc

/// Messages to whoever listens at a socket of this machine.
package struct UnixDatagram: Sendable {
    private let socket: Descriptor
    private let path: String

    /// Connects; a leading `@` in the path stands for the zero byte of the abstract name space.
    ///
    /// - Throws: `SystemError` when nobody listens.
    package init(to path: String) throws(SystemError) {
        var bytes = Array(path.utf8)
        var address = sockaddr_un()
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("connect to \(path)", number: ENAMETOOLONG)
        }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(adopting: try SystemError.check(Glibc.socket(AF_UNIX, type, 0), "socket"))
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(socket.number, $0, length)
            }
        }
        try SystemError.check(result, "connect to \(path)")
        (self.socket, self.path) = (socket, path)
    }

    /// Sends one.
    ///
    /// - Throws: `SystemError` when nobody takes it.
    package func send(_ message: [UInt8]) throws(SystemError) {
        let sent = unsafe Glibc.send(socket.number, message, message.count, Int32(MSG_NOSIGNAL))
        try SystemError.check(sent, "send to \(path)")
    }
}
