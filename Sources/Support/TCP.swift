import Glibc

/// Where a TCP connection leads to or comes from.
package struct TCPAddress: Hashable, Sendable, CustomStringConvertible {
    /// A numeric address, or a name that is looked up when dialled.
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why a host could not be dialled.
package struct TCPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Half a sentence in lower case, such as `connection refused`.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }

    fileprivate init(number: Int32) {
        let reason = unsafe String(cString: strerror(number))
        self.init(reason.prefix(1).lowercased() + reason.dropFirst())
    }
}

/// Listening and dialling, blocking.
package enum TCP {
    /// Listens on every address that `address` stands for, with `SO_REUSEADDR`; an IPv6 address takes IPv6 only.
    ///
    /// - Throws: `TCPError` with what the system says.
    package static func listen(on address: TCPAddress) throws(TCPError) -> [Descriptor] {
        var sockets: [Descriptor] = []
        for candidate in try lookUp(address, flags: AI_PASSIVE) {
            let socket = try makeSocket(candidate)
            try option(socket, SOL_SOCKET, SO_REUSEADDR, 1)
            if candidate.family == AF_INET6 { try option(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            let bound = unsafe candidate.withPointer { unsafe bind(socket.number, $0, $1) }
            guard bound == 0, Glibc.listen(socket.number, 512) == 0 else { throw TCPError(number: errno) }
            sockets.append(socket)
        }
        return sockets
    }

    /// Waits for the next connection.
    ///
    /// - Throws: `SystemError` of accept(2): EINVAL when the listener was shut down, EMFILE and the like when there is no room.
    package static func accept(
        from listener: Descriptor
    ) throws(SystemError) -> (socket: Descriptor, peer: TCPAddress) {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let number = unsafe withUnsafeMutableBytes(of: &storage) { raw in
                unsafe Glibc.accept(
                    listener.number, raw.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
            }
            if number < 0, errno == EINTR || errno == ECONNABORTED { continue }
            let socket = Descriptor(adopting: try SystemError.check(number, "accept"))
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            return (socket, numeric(storage, length))
        }
    }

    /// Dials; tries each address of a name until one answers or `timeout` has passed for all together.
    ///
    /// - Returns: a connected, blocking socket.
    /// - Throws: `TCPError` of the last address tried.
    package static func connect(to address: TCPAddress, timeout: Duration) throws(TCPError) -> Descriptor {
        let deadline = MonotonicTime.now + timeout
        var failure = TCPError("no such address")
        for candidate in try lookUp(address, flags: 0) {
            do throws(TCPError) {
                return try connect(to: candidate, deadline: deadline)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// This end of a connected socket, numeric; nil for a socket that is none of TCP.
    package static func localAddress(of socket: Descriptor) -> TCPAddress? {
        unsafe address { unsafe getsockname(socket.number, $0, $1) }
    }

    /// The other end of a connected socket, numeric; nil for a socket that is none of TCP, or not connected any more.
    package static func peerAddress(of socket: Descriptor) -> TCPAddress? {
        guard SocketKind(of: socket)?.type == Int32(SOCK_STREAM.rawValue) else { return nil }
        return unsafe address { unsafe getpeername(socket.number, $0, $1) }
    }

    private static func address(
        _ find: (UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> TCPAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &storage) { raw in
            unsafe find(raw.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        let isInternet = Int32(storage.ss_family) == AF_INET || Int32(storage.ss_family) == AF_INET6
        guard result == 0, isInternet else { return nil }
        return numeric(storage, length)
    }

    /// Has a connection break when its peer says nothing for about so long, though it is asked.
    package static func expectLife(on socket: Descriptor, within limit: Duration) {
        let seconds = Int32(clamping: max(1, limit.milliseconds / 1_000))
        let settings: [(Int32, Int32)] = [
            (TCP_KEEPIDLE, max(1, seconds / 3)), (TCP_KEEPINTVL, max(1, seconds / 6)),
            (TCP_USER_TIMEOUT, seconds * 1_000),
        ]
        for (name, value) in settings { try? option(socket, Int32(IPPROTO_TCP), name, value) }
        try? option(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
    }

    /// Makes a connection quick to send and quick to notice that its peer is gone (within a minute or so).
    package static func tune(_ socket: Descriptor) {
        let minute: Int32 = 60
        let settings: [(Int32, Int32, Int32)] = [
            (Int32(IPPROTO_TCP), TCP_NODELAY, 1),
            (SOL_SOCKET, SO_KEEPALIVE, 1),
            (Int32(IPPROTO_TCP), TCP_KEEPIDLE, minute),
            (Int32(IPPROTO_TCP), TCP_KEEPINTVL, minute / 4),
            (Int32(IPPROTO_TCP), TCP_KEEPCNT, 4),
            (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, minute * 1_000),
        ]
        // Only comfort: a connection without them still works.
        for (level, name, value) in settings { try? option(socket, level, name, value) }
    }
}

extension TCP {
    /// One address as the system has it.
    private struct Candidate {
        let family: Int32
        var storage = sockaddr_storage()
        let length: socklen_t

        init(copying info: addrinfo) {
            family = unsafe info.ai_family
            length = unsafe info.ai_addrlen
            let source = unsafe UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: source) }
        }

        func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
            unsafe withUnsafePointer(to: storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
            }
        }
    }

    private static func lookUp(_ address: TCPAddress, flags: Int32) throws(TCPError) -> [Candidate] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(address.host, String(address.port), &hints, &list)
        guard result == 0 else {
            throw TCPError(unsafe String(cString: gai_strerror(result)).lowercased())
        }
        defer { unsafe freeaddrinfo(list) }
        var candidates: [Candidate] = []
        var next = unsafe list
        while let info = unsafe next {
            unsafe candidates.append(Candidate(copying: info.pointee))
            unsafe next = info.pointee.ai_next
        }
        return candidates
    }

    private static func makeSocket(_ candidate: Candidate) throws(TCPError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = socket(candidate.family, type, 0)
        guard number >= 0 else { throw TCPError(number: errno) }
        return Descriptor(adopting: number)
    }

    private static func option(
        _ socket: Descriptor, _ level: Int32, _ name: Int32, _ value: Int32
    ) throws(TCPError) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(socket.number, level, name, &value, size) == 0 else {
            throw TCPError(number: errno)
        }
    }

    private static func connect(
        to candidate: Candidate, deadline: MonotonicTime
    ) throws(TCPError) -> Descriptor {
        let socket = try makeSocket(candidate)
        _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
        if unsafe candidate.withPointer({ unsafe Glibc.connect(socket.number, $0, $1) }) != 0 {
            guard errno == EINPROGRESS else { throw TCPError(number: errno) }
            guard socket.waits(for: Int16(POLLOUT), until: deadline) else {
                throw TCPError(number: ETIMEDOUT)
            }
            var failure: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &failure, &size)
            guard failure == 0 else { throw TCPError(number: failure) }
        }
        _ = fcntl(socket.number, F_SETFL, 0)
        return socket
    }

    private static func numeric(_ storage: sockaddr_storage, _ length: socklen_t) -> TCPAddress {
        let flags = NI_NUMERICHOST | NI_NUMERICSERV
        var host = [CChar](repeating: 0, count: 64)
        var port = [CChar](repeating: 0, count: 8)
        let result = unsafe withUnsafeBytes(of: storage) { raw in
            unsafe getnameinfo(
                raw.assumingMemoryBound(to: sockaddr.self).baseAddress, length, &host, socklen_t(host.count),
                &port, socklen_t(port.count), flags)
        }
        func text(_ characters: [CChar]) -> String {
            String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard result == 0 else { return TCPAddress(host: "unknown", port: 0) }
        // A socket of IPv6 that takes IPv4 too shows its clients in the clothes of IPv6.
        let plain = text(host)
        let four = plain.hasPrefix("::ffff:") ? IPAddress(plain).map { "\($0)" } : nil
        return TCPAddress(host: four ?? plain, port: UInt16(text(port)) ?? 0)
    }
}
