package import Support

/// Between `gatehouse-front` and the daemon, on a Unix SOCK_SEQPACKET connection that the daemon makes.
///
/// It makes it because the front end must be unable to: connect(2) could turn clients' sockets to other addresses. The daemon says `welcome` when it takes clients. The front end sends one `client` at a time, with its socket beside it, and hears
/// `taken` before the next: what was not taken before the connection ended is still the front end's.
package enum FrontMessage: Equatable, Sendable {
    /// Daemon → front end: send clients.
    case welcome
    /// Front end → daemon: a client that has connected from here, or that a proxy has named.
    case client(IPAddress, port: UInt16)
    /// Daemon → front end: the client is the daemon's.
    case taken
}

extension FrontMessage {
    private enum Kind: UInt8 {
        case welcome = 1
        case client, taken
    }

    /// The message's bytes.
    package var encoded: [UInt8] {
        var out = WireWriter()
        switch self {
        case .welcome: out.byte(Kind.welcome.rawValue)
        case .client(let address, let port):
            out.byte(Kind.client.rawValue)
            out.data(address.bytes)
            out.uint32(UInt32(port))
        case .taken: out.byte(Kind.taken.rawValue)
        }
        return out.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: `WireError` for anything but a well-formed one.
    package init(decoding message: [UInt8]) throws(WireError) {
        var input = WireReader(message)
        let type = try input.byte()
        guard let kind = Kind(rawValue: type) else { throw WireError("there is no front message \(type)") }
        switch kind {
        case .welcome: self = .welcome
        case .client:
            guard let address = IPAddress(bytes: try input.data()) else {
                throw WireError("a client without an address")
            }
            let number = try input.uint32()
            guard let port = UInt16(exactly: number) else { throw WireError("there is no port \(number)") }
            self = .client(address, port: port)
        case .taken: self = .taken
        }
        try input.finish()
    }
}
