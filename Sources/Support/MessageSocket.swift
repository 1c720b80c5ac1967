import CSupport
import Glibc

/// One end of a Unix SOCK_SEQPACKET connection: whole messages, with descriptors beside them.
///
/// The kernel keeps message boundaries, so a reader never sees a part of one. `Sendable`: each call is one system call; the
/// protocol above decides who may speak when.
package final class MessageSocket: Sendable {
    /// No message is longer, in bytes. A longer one is an error on both ends.
    package static let messageLimit = 128 * 1024

    /// The socket itself, for poll(2).
    package let descriptor: Descriptor

    package init(_ descriptor: Descriptor) {
        self.descriptor = descriptor
    }

    /// Makes a connected pair.
    ///
    /// - Throws: `SystemError` of socketpair(2).
    package static func pair() throws(SystemError) -> (MessageSocket, MessageSocket) {
        var ends: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
            unsafe socketpair(AF_UNIX, type, 0, raw.bindMemory(to: Int32.self).baseAddress)
        }
        try SystemError.check(result, "socketpair")
        let pair = (
            MessageSocket(Descriptor(adopting: ends.0)), MessageSocket(Descriptor(adopting: ends.1))
        )
        pair.0.widenBuffers()
        pair.1.widenBuffers()
        return pair
    }

    /// One message of `messageLimit` bytes must fit the send buffer.
    private func widenBuffers() {
        var size = Int32(Self.messageLimit * 2)
        unsafe setsockopt(
            descriptor.number, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Connects to a listening socket in the file system.
    ///
    /// - Throws: `SystemError` of connect(2).
    package static func connect(to path: String) throws(SystemError) -> MessageSocket {
        let socket = try makeSocket()
        let result = try unsafe withAddress(path) { unsafe Glibc.connect(socket.number, $0, $1) }
        try SystemError.check(result, "connect to \(path)")
        let connection = MessageSocket(socket)
        connection.widenBuffers()
        return connection
    }

    /// Listens in the file system; a socket file that is already there is replaced.
    ///
    /// - Parameter mode: permissions of the socket file.
    /// - Throws: `SystemError` of bind(2) or listen(2).
    package static func listen(at path: String, mode: UInt32) throws(SystemError) -> Descriptor {
        let socket = try makeSocket()
        _ = unsafe unlink(path)
        let result = try unsafe withAddress(path) { unsafe bind(socket.number, $0, $1) }
        try SystemError.check(result, "bind \(path)")
        try SystemError.check(unsafe chmod(path, mode), "chmod \(path)")
        try SystemError.check(Glibc.listen(socket.number, 64), "listen on \(path)")
        return socket
    }

    /// Waits for the next connection on a listening socket.
    ///
    /// - Throws: `SystemError` of accept4(2).
    package static func accept(from listener: Descriptor) throws(SystemError) -> MessageSocket {
        while true {
            let number = Glibc.accept(listener.number, nil, nil)
            if number < 0, errno == EINTR || errno == ECONNABORTED { continue }
            let connection = MessageSocket(Descriptor(adopting: try SystemError.check(number, "accept")))
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            connection.widenBuffers()
            return connection
        }
    }

    private static func makeSocket() throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return Descriptor(adopting: try SystemError.check(socket(AF_UNIX, type, 0), "socket"))
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("socket path \(path)", number: ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Sends one message, waiting for room unless the descriptor is non-blocking.
    ///
    /// - Throws: `SystemError`: EPIPE when the peer is gone, EMSGSIZE when it is too long, EAGAIN when there is no room.
    package func send(_ message: [UInt8], with descriptors: [Descriptor] = []) throws(SystemError) {
        guard message.count <= Self.messageLimit else { throw SystemError("send", number: EMSGSIZE) }
        let numbers = descriptors.map(\.number)
        let sent = unsafe message.withUnsafeBytes { bytes in
            unsafe numbers.withUnsafeBufferPointer { list in
                unsafe gh_send(
                    descriptor.number, bytes.baseAddress, bytes.count, list.baseAddress, list.count, 0)
            }
        }
        withExtendedLifetime(descriptors) {}
        try SystemError.checkNegated(sent, "send")
    }

    /// Receives one message; nil when the peer has closed.
    ///
    /// - Throws: `SystemError`: EMSGSIZE for a message that is too long, EAGAIN when there is none on a non-blocking socket.
    package func receive() throws(SystemError) -> (message: [UInt8], descriptors: [Descriptor])? {
        // Waits without a buffer: many threads do, for a long time.
        let length = try waitForMessage()
        guard length > 0 else { return nil }
        var numbers = [Int32](repeating: -1, count: Int(GH_MAX_DESCRIPTORS))
        var count = numbers.count
        var received = 0
        let message = unsafe [UInt8](unsafeUninitializedCapacity: min(length, Self.messageLimit)) {
            buffer, filled in
            received = unsafe gh_receive(
                descriptor.number, buffer.baseAddress, buffer.count, &numbers, &count, 0)
            filled = max(0, received)
        }
        let descriptors = numbers[..<count].map { Descriptor(adopting: $0) }
        try SystemError.checkNegated(received, "receive")
        return message.isEmpty ? nil : (message, descriptors)
    }

    /// The length of the next message, in bytes; 0 is the end, since a peer never sends an empty message.
    private func waitForMessage() throws(SystemError) -> Int {
        while true {
            let length = recv(descriptor.number, nil, 0, Int32(MSG_PEEK) | Int32(MSG_TRUNC))
            if length < 0, errno == EINTR { continue }
            return try SystemError.check(length, "receive")
        }
    }

    /// Who is at the other end, by SO_PEERCRED.
    ///
    /// - Throws: `SystemError` of getsockopt(2).
    package func peer() throws(SystemError) -> (uid: UInt32, pid: Int32) {
        var uid: uid_t = 0
        var pid: pid_t = 0
        try SystemError.checkNegated(unsafe gh_peer(descriptor.number, &uid, &pid), "getsockopt SO_PEERCRED")
        return (uid, pid)
    }

    /// Ends the connection for both directions; a blocked reader sees the end.
    package func shutDown() {
        shutdown(descriptor.number, Int32(SHUT_RDWR))
    }
}
