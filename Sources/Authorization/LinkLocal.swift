import Glibc

/// Addresses on which clouds serve an instance's own credentials: link-local ones, in every notation that inet_aton(3) takes.
enum LinkLocal {
    /// Whether this is a link-local address, or the IPv6 address of the instance metadata service (fd00:ec2::254).
    static func contains(_ host: String) -> Bool {
        var text = host
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        if let zone = text.firstIndex(of: "%") { text = String(text[..<zone]) }
        while text.hasSuffix(".") { text.removeLast() }

        var four = in_addr()
        if unsafe inet_aton(text, &four) != 0 { return contains(four: UInt32(bigEndian: four.s_addr)) }

        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return false }
        let bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
        let embedsFour =
            bytes[..<10].allSatisfy { $0 == 0 }
            && (bytes[10..<12] == [0xFF, 0xFF] || bytes[10..<12] == [0, 0])
        let translatesFour = bytes[..<12] == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
        if embedsFour || translatesFour {
            return contains(four: bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
        }
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return true }
        return bytes == [0xFD, 0, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54]
    }

    private static func contains(four: UInt32) -> Bool {
        four >> 16 == 0xA9FE
    }
}
