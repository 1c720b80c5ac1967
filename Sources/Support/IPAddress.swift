import Glibc

/// A numeric address of IPv4 or IPv6; one of IPv4 in the clothes of IPv6 (`::ffff:192.0.2.1`) is the one of IPv4.
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes, the highest first.
    package let bytes: [UInt8]

    private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    /// Takes 4 or 16 bytes; nil for any other number of them.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.bytes = Array(bytes)
        case 16:
            let isMapped = bytes.prefix(12).elementsEqual(Self.mapped)
            self.bytes = isMapped ? Array(bytes.suffix(4)) : Array(bytes)
        default: return nil
        }
    }

    /// Reads `192.0.2.1` or `2001:db8::1`, the latter with a zone or without; nil for anything else.
    package init?(_ text: some StringProtocol) {
        // No address is longer; a zero byte would end it for the C library alone.
        guard text.utf8.count <= 64, !text.utf8.contains(0) else { return nil }
        let address = String(text.prefix { $0 != "%" })
        var four = in_addr()
        var six = in6_addr()
        if address.utf8.count == text.utf8.count, unsafe inet_pton(AF_INET, address, &four) == 1 {
            self.init(bytes: unsafe withUnsafeBytes(of: &four) { unsafe Array($0) })
        } else if unsafe inet_pton(AF_INET6, address, &six) == 1 {
            self.init(bytes: unsafe withUnsafeBytes(of: &six) { unsafe Array($0) })
        } else {
            return nil
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// As inet_ntop(3) writes it.
    package var description: String {
        var text = [CChar](repeating: 0, count: 64)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// All addresses that begin with the same bits, as CIDR writes them: `10.0.0.0/8`, `2001:db8::/32`.
///
/// What is IPv4-mapped (`::ffff:10.0.0.0/104`) is the network of IPv4.
package struct Network: Hashable, Sendable {
    /// The first address of the network.
    package let address: IPAddress

    /// How many bits all addresses have in common: at most 32 or 128.
    package let prefix: Int

    private init(address: IPAddress, prefix: Int) {
        self.address = address
        self.prefix = prefix
    }

    /// Reads a network, or an address alone.
    ///
    /// nil for anything else, also for a network with bits behind its prefix: it may not be what was meant.
    package init?(_ text: some StringProtocol) {
        guard let (address, prefix) = Self.parts(of: text),
            Self.bits(of: address, behind: prefix).allSatisfy({ $0 == 0 })
        else { return nil }
        self.init(address: address, prefix: prefix)
    }

    /// The same without regard to bits behind the prefix: of `10.0.0.7/8` it is `10.0.0.0/8`.
    package init?(enclosing text: some StringProtocol) {
        guard let (address, prefix) = Self.parts(of: text) else { return nil }
        let rest = Self.bits(of: address, behind: prefix)
        guard let first = IPAddress(bytes: zip(address.bytes, rest).map { $0 & ~$1 }) else { return nil }
        self.init(address: first, prefix: prefix)
    }

    private static func parts(of text: some StringProtocol) -> (address: IPAddress, prefix: Int)? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]), !parts[0].contains("%") else { return nil }
        let width = address.bytes.count * 8
        guard parts.count == 2 else { return (address, width) }
        let digits = parts[1].utf8
        guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            var number = Int(parts[1])
        else { return nil }
        // The prefix counts the bits of the form in which the address was written.
        if width == 32, parts[0].contains(":") { number -= 96 }
        return (0...width).contains(number) ? (address, number) : nil
    }

    /// Whether an address belongs to it.
    package func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        let whole = prefix / 8
        guard other.bytes.prefix(whole) == address.bytes.prefix(whole) else { return false }
        let rest = prefix % 8
        return rest == 0 || (other.bytes[whole] ^ address.bytes[whole]) >> UInt8(8 - rest) == 0
    }

    /// What stands behind the first bits, as bytes.
    private static func bits(of address: IPAddress, behind prefix: Int) -> [UInt8] {
        address.bytes.enumerated().map { index, byte in
            let kept = min(8, max(0, prefix - index * 8))
            return kept == 8 ? 0 : byte & (0xFF >> UInt8(kept))
        }
    }
}

extension Network: CustomStringConvertible {
    /// `10.0.0.0/8`; of a single address without a prefix.
    package var description: String {
        prefix == address.bytes.count * 8 ? "\(address)" : "\(address)/\(prefix)"
    }
}

extension Network {
    /// What one customer of a provider has at the least: an address of IPv4, or 64 bits of IPv6. Text that is no address stands
    /// for itself.
    package static func ofCustomer(at address: String) -> String {
        guard let parsed = IPAddress(address) else { return address }
        guard parsed.bytes.count == 16 else { return "\(parsed)" }
        let first = Array(parsed.bytes.prefix(8)) + Array(repeating: 0, count: 8)
        return IPAddress(bytes: first).map { "\($0)/64" } ?? address
    }
}
