package import Support

/// What a proxy says before a client's first byte: the PROXY protocol of HAProxy, versions 1 and 2.
///
/// Pure: takes bytes as they come and says how many it wants next, never one that is the client's.
package struct ProxyHeader: Sendable {
    /// Whose connection it is.
    package enum Origin: Equatable, Sendable {
        /// A client's, from this address.
        case client(TCPAddress)
        /// The proxy's own, such as a check of its health, or that of somebody it does not know.
        case proxy
    }

    /// How far it has come.
    package enum Progress: Equatable, Sendable {
        /// So many more bytes are needed at the least; one at least.
        case wants(Int)
        case done(Origin)
    }

    /// The longest line of version 1, in bytes, with its end.
    private static let lineLimit = 107
    /// What follows the 16 bytes of version 2, at the most: addresses, and what else the proxy tells.
    private static let bodyLimit = 4_096
    private static let fixedLength = 16
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    private static let word = Array("PROXY ".utf8)

    private var bytes: [UInt8] = []

    package init() {}

    /// Takes as many bytes as were wanted, or fewer; at the beginning one is wanted.
    ///
    /// - Throws: `WireError` for anything that is no header.
    package mutating func take(_ more: some Collection<UInt8>) throws(WireError) -> Progress {
        bytes += more
        guard let first = bytes.first else { return .wants(1) }
        return first == Self.signature[0] ? try readSecondVersion() : try readLine()
    }

    // MARK: Version 1

    private func readLine() throws(WireError) -> Progress {
        guard bytes.prefix(Self.word.count).elementsEqual(Self.word.prefix(bytes.count)) else {
            throw WireError("there is no PROXY header")
        }
        guard bytes.count <= Self.lineLimit else { throw WireError("the PROXY line is too long") }
        guard bytes.suffix(2).elementsEqual([0x0D, 0x0A]) else { return .wants(1) }
        guard bytes.allSatisfy({ $0 < 0x80 }) else { throw WireError("the PROXY line is no text") }
        let line = String(decoding: bytes.dropLast(2), as: UTF8.self)
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        if fields.count >= 2, fields[1] == "UNKNOWN" { return .done(.proxy) }
        guard fields.count == 6, fields[1] == "TCP4" || fields[1] == "TCP6" else {
            throw WireError("the PROXY line is damaged")
        }
        let isSix = fields[1] == "TCP6"
        for text in fields[2...3] where text.contains(":") != isSix || text.contains("%") {
            throw WireError("the PROXY line has an address of another kind")
        }
        guard let source = IPAddress(fields[2]), IPAddress(fields[3]) != nil,
            let port = Self.port(fields[4]), Self.port(fields[5]) != nil
        else { throw WireError("the PROXY line has no addresses") }
        return .done(.client(TCPAddress(host: "\(source)", port: port)))
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0") else {
            return nil
        }
        return UInt16(text)
    }

    // MARK: Version 2

    private func readSecondVersion() throws(WireError) -> Progress {
        guard bytes.prefix(Self.signature.count).elementsEqual(Self.signature.prefix(bytes.count)) else {
            throw WireError("there is no PROXY header")
        }
        guard bytes.count >= Self.fixedLength else { return .wants(Self.fixedLength - bytes.count) }
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        guard length <= Self.bodyLimit else { throw WireError("the PROXY header is too long") }
        let (version, command, family) = (bytes[12] >> 4, bytes[12] & 0xF, bytes[13])
        guard version == 2, command <= 1 else { throw WireError("the PROXY header has another version") }
        guard bytes.count >= Self.fixedLength + length else {
            return .wants(Self.fixedLength + length - bytes.count)
        }
        guard bytes.count == Self.fixedLength + length else {
            throw WireError("the PROXY header has too many bytes")
        }
        // LOCAL: what else it says is to be ignored.
        if command == 0 { return .done(.proxy) }
        let width: Int
        switch family {
        case 0x11: width = 4
        case 0x21: width = 16
        case 0x00: return .done(.proxy)
        default: throw WireError("the PROXY header is not about TCP")
        }
        let body = bytes.dropFirst(Self.fixedLength)
        guard length >= 2 * width + 4, let source = IPAddress(bytes: body.prefix(width)) else {
            throw WireError("the PROXY header has no addresses")
        }
        let port = body.dropFirst(2 * width).prefix(2).reduce(UInt16(0)) { $0 << 8 | UInt16($1) }
        return .done(.client(TCPAddress(host: "\(source)", port: port)))
    }
}
