import Glibc
import Support

extension ProxyHeader {
    /// How long a proxy may take; it sends its header with its first packet.
    private static let patience = Duration.seconds(5)

    /// Reads the header from a connected socket, and no byte more.
    ///
    /// - Throws: `WireError` for no header, a damaged one, or one that does not come in time.
    static func read(from socket: Descriptor) throws(WireError) -> Origin {
        let deadline = MonotonicTime.now + patience
        var header = ProxyHeader()
        var wanted = 1
        var buffer = [UInt8](repeating: 0, count: 1_024)
        while true {
            guard socket.waits(for: Int16(POLLIN), until: deadline) else {
                throw WireError("no PROXY header came in time")
            }
            let limit = min(wanted, buffer.count)
            let count = unsafe recv(socket.number, &buffer, limit, Int32(MSG_DONTWAIT))
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw WireError("the connection ended within the PROXY header") }
            switch try header.take(buffer[..<count]) {
            case .wants(let more): wanted = more
            case .done(let origin): return origin
            }
        }
    }
}
