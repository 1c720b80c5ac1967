import Glibc

/// What a socket is that somebody else has made.
package struct SocketKind: Equatable, Sendable {
    /// Such as `AF_INET`.
    package let family: Int32
    /// Such as `SOCK_STREAM`.
    package let type: Int32
    /// Whether connections can be accepted from it.
    package let isListening: Bool

    package init(family: Int32, type: Int32, isListening: Bool) {
        (self.family, self.type, self.isListening) = (family, type, isListening)
    }

    /// Asks the kernel; nil for a descriptor that is no socket.
    package init?(of descriptor: Descriptor) {
        func option(_ name: Int32) -> Int32? {
            var value: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            let result = unsafe getsockopt(descriptor.number, SOL_SOCKET, name, &value, &size)
            return result == 0 ? value : nil
        }
        guard let family = option(SO_DOMAIN), let type = option(SO_TYPE), let listens = option(SO_ACCEPTCONN)
        else { return nil }
        self.init(family: family, type: type, isListening: listens != 0)
    }

    /// Whether clients arrive here by TCP.
    package var listensForTCP: Bool {
        isListening && type == Int32(SOCK_STREAM.rawValue) && (family == AF_INET || family == AF_INET6)
    }

    /// Whether processes of this machine arrive here, with whole messages.
    package var listensForMessages: Bool {
        isListening && type == Int32(SOCK_SEQPACKET.rawValue) && family == AF_UNIX
    }
}
