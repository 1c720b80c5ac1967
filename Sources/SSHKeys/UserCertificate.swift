package import Support

/// What an OpenSSH user certificate says (PROTOCOL.certkeys of OpenSSH).
package struct UserCertificate: Equatable, Sendable {
    /// What the holder may do besides running a command.
    package enum Permission: String, Sendable, CaseIterable {
        case terminal = "permit-pty"
        case portForwarding = "permit-port-forwarding"
        case agentForwarding = "permit-agent-forwarding"
        case startupFile = "permit-user-rc"
        case x11Forwarding = "permit-X11-forwarding"
    }

    /// The key that may log in.
    package var subject: PublicKey
    package var serial: UInt64
    /// Shows in the log of the host's sshd.
    package var keyID: String
    /// The Linux names it is good for; never empty, for a certificate without any is good for all.
    package var principals: [String]
    package var validAfter: Timestamp
    package var validBefore: Timestamp
    package var permissions: Set<Permission> = []
    /// The one command it is good for; nil: any.
    package var forcedCommand: String?
    /// Addresses and networks the login may come from, in CIDR form; empty: any.
    package var sourceAddresses: [String] = []

    /// How far back the validity starts, for hosts whose clock is behind.
    package static let clockSkew = Duration.seconds(60)

    /// A certificate that is good from now, or rather a minute ago, for `validity` from now.
    package init(
        for subject: PublicKey, serial: UInt64, keyID: String, principals: [String],
        now: Timestamp = .now, validity: Duration, permissions: Set<Permission> = []
    ) {
        self.subject = subject
        self.serial = serial
        self.keyID = keyID
        self.principals = principals
        self.validAfter = Timestamp(
            milliseconds: max(0, now.milliseconds - Self.clockSkew.milliseconds))
        self.validBefore = now + validity
        self.permissions = permissions
    }
}

/// A user certificate that a CA has signed.
package struct SignedCertificate: Equatable, Sendable {
    /// Its name, such as `ssh-ed25519-cert-v01@openssh.com`.
    package let name: String

    package let blob: [UInt8]

    /// The line of a `-cert.pub` file, without a line end.
    package var line: String { "\(name) \(Base64.encode(blob))" }
}
