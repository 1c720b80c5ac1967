package import Authentication
package import Authorization
package import SSHKeys

extension Permissions {
    /// What is granted, as far as the certificate with which somebody logged in permits it.
    package func narrowed(by certificate: AcceptedCertificate?) -> Permissions {
        guard let certificate else { return self }
        var narrow = self
        if !certificate.permissions.contains(.portForwarding) {
            narrow.forwarding = .none
            narrow.remoteForwarding = false
        }
        if !certificate.permissions.contains(.agentForwarding) { narrow.agent = false }
        if !certificate.permissions.contains(.terminal) { narrow.terminal = false }
        // A grant for files permits one program, and such a certificate another one.
        if programs == .files, let command = certificate.forcedCommand,
            command != SessionRule.fileTransferCommand
        {
            narrow.programs = .none
        }
        return narrow
    }
}

extension UserCertificate {
    /// What runs where nothing may.
    private static let nothing = "/bin/false"

    /// Has the host's own sshd hold a session to what is granted and what the certificate with which somebody logged in permits, as far
    /// as a certificate can say it.
    ///
    /// Which ports are forwarded, and in which direction, it cannot say.
    package mutating func permit(_ granted: Permissions, to certificate: AcceptedCertificate?) {
        let wanted = granted.narrowed(by: certificate)
        permissions = []
        if wanted.forwardsAnything { permissions.insert(.portForwarding) }
        if wanted.agent { permissions.insert(.agentForwarding) }
        if wanted.terminal { permissions.insert(.terminal) }
        switch wanted.programs {
        case .all:
            if certificate?.permissions.contains(.startupFile) ?? true { permissions.insert(.startupFile) }
            // The host's sshd runs it whatever is asked for, and tells it what that was (SSH_ORIGINAL_COMMAND).
            forcedCommand = certificate?.forcedCommand
        // In sshd itself: a program of its own would be started by the user's shell, which reads files that this very user writes.
        case .files: forcedCommand = SessionRule.fileTransferCommand
        case .none: forcedCommand = Self.nothing
        }
    }
}
