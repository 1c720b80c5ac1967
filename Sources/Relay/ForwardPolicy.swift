import Glibc

/// What to do with a client's request to connect to an address through the gateway.
///
/// The target host dials the address, and the gateway cannot know how that host resolves names. So what must not be reached is
/// recognised by port and by address in every notation that inet_aton(3) takes.
package struct ForwardPolicy: Sendable {
    /// The answer to one request.
    package enum Decision: Equatable, Sendable {
        /// Let the target host dial it.
        case dial
        /// It may be a jump: the daemon knows.
        case askForJump
        /// No, and why.
        case refuse(String)
    }

    /// Ports on which hosts of the directory run sshd.
    private let guardedPorts: Set<UInt32>
    private let mayForward: Bool

    package init(guardedPorts: [UInt32], mayForward: Bool) {
        self.guardedPorts = Set(guardedPorts)
        self.mayForward = mayForward
    }

    /// Decides about `host`, a name or an address as the client wrote it.
    package func decide(host: String, port: UInt16) -> Decision {
        if guardedPorts.contains(UInt32(port)) { return .askForJump }
        return decideAboutOthers(host: host)
    }

    /// Decides about a request on a guarded port that is not a jump.
    package func decideAfterJumpCheck(host: String, port: UInt16) -> Decision {
        .refuse("port \(port) is an SSH port: reach a host as user+host or with ssh -J")
    }

    private func decideAboutOthers(host: String) -> Decision {
        guard mayForward else { return .refuse("port forwarding is not granted") }
        if Self.isLinkLocal(host) {
            return .refuse("link-local addresses hold the instance's own credentials")
        }
        return .dial
    }

    /// Whether this is a link-local address, or the IPv6 address of the instance metadata service (fd00:ec2::254).
    static func isLinkLocal(_ host: String) -> Bool {
        var text = host
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        if let zone = text.firstIndex(of: "%") { text = String(text[..<zone]) }
        while text.hasSuffix(".") { text.removeLast() }

        var four = in_addr()
        if unsafe inet_aton(text, &four) != 0 { return isLinkLocal(four: UInt32(bigEndian: four.s_addr)) }

        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return false }
        let bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
        let embedsFour =
            bytes[..<10].allSatisfy { $0 == 0 }
            && (bytes[10..<12] == [0xFF, 0xFF] || bytes[10..<12] == [0, 0])
        let translatesFour = bytes[..<12] == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
        if embedsFour || translatesFour {
            return isLinkLocal(four: bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
        }
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return true }
        return bytes == [0xFD, 0, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54]
    }

    private static func isLinkLocal(four: UInt32) -> Bool {
        four >> 16 == 0xA9FE
    }
}
