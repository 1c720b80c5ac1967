import Directory
package import SSHKeys
import Support

/// A user certificate that opened a login, and what it leaves of what the grants give.
package struct AcceptedCertificate: Equatable, Sendable {
    /// What the CA is called here, and the fingerprint of its key.
    package let authority: String
    package let authorityFingerprint: String
    package let keyID: String
    package let serial: UInt64
    /// What it permits; never more than the grants.
    package let permissions: Set<UserCertificate.Permission>
    /// The one command it is good for; nil: any.
    package let forcedCommand: String?

    package init(
        authority: String, authorityFingerprint: String, keyID: String, serial: UInt64,
        permissions: Set<UserCertificate.Permission>, forcedCommand: String? = nil
    ) {
        self.authority = authority
        self.authorityFingerprint = authorityFingerprint
        self.keyID = keyID
        self.serial = serial
        self.permissions = permissions
        self.forcedCommand = forcedCommand
    }

    /// For the event log.
    package var record: [String: String] {
        [
            "ca": authorityFingerprint, "ca.name": authority, "key.id": PresentedCertificate.shown(keyID),
            "serial": String(serial),
        ]
    }

    /// Why no jump may be made with it; nil: it may. An inner connection could not be kept to what the certificate permits.
    package var obstacleToJumps: String? {
        if forcedCommand != nil { return "your certificate is for one command only" }
        return permissions.contains(.portForwarding) ? nil : "your certificate permits no forwarding"
    }
}

/// Whether a user certificate opens a login. Pure.
enum CertificateRule {
    /// Decides about a certificate that is whole and signed by the key it names, or not.
    ///
    /// - Parameters:
    ///   - facts: what the directory knows of it.
    ///   - isSigned: whether its authority has signed it.
    ///   - address: where the client is; nil: unknown, which is in no network.
    static func decide(
        _ certificate: PresentedCertificate, isSigned: Bool, login: LoginName, facts: CertificateFacts,
        from address: IPAddress?, at time: Timestamp
    ) -> KeyDecision {
        guard let authority = facts.authority,
            ConstantTime.areEqual(authority.material.blob, certificate.authority.blob)
        else { return .rejected(.unknownAuthority) }
        guard isSigned else { return .rejected(.wrongCertificateSignature) }
        guard certificate.kind == .user else { return .rejected(.hostCertificate) }
        guard !facts.isRevoked else { return .rejected(.revokedCertificate) }
        guard certificate.principals.contains(Array(login.user.utf8)) else {
            return .rejected(.otherPrincipals)
        }
        let seconds = UInt64(clamping: time.seconds)
        guard certificate.validAfter <= seconds else { return .rejected(.notYetValid) }
        guard seconds < certificate.validBefore else { return .rejected(.expired) }
        let restrictions: Restrictions
        switch Restrictions.read(certificate, from: address) {
        case .failure(let reason): return .rejected(reason)
        case .success(let read): restrictions = read
        }
        guard let user = facts.user, user.name == login.user else { return .rejected(.unknownUser) }
        guard facts.mayName else { return .rejected(.beyondScope) }
        if let obstacle = KeyDecision.obstacle(to: user, from: .client(address)) {
            return .rejected(obstacle)
        }
        return .accepted(
            user: user, fingerprint: certificate.subject.fingerprint,
            certificate: AcceptedCertificate(
                authority: authority.name, authorityFingerprint: authority.material.fingerprint,
                keyID: certificate.keyID, serial: certificate.serial,
                permissions: restrictions.permissions, forcedCommand: restrictions.forcedCommand))
    }

    /// What critical options and extensions come to.
    private struct Restrictions {
        var permissions: Set<UserCertificate.Permission> = []
        var forcedCommand: String?

        /// Networks in one certificate at the most.
        private static let networkLimit = 256

        static func read(
            _ certificate: PresentedCertificate, from address: IPAddress?
        ) -> Result<Restrictions, KeyDecision.Reason> {
            var restrictions = Restrictions()
            for option in certificate.criticalOptions {
                switch option.name {
                case "force-command":
                    // As sshd takes it from the certificate that is made for the host: it would refuse control characters.
                    guard let command = option.text, !command.isEmpty, command == command.printable,
                        command.utf8.count <= CertificateAuthority.textLimit
                    else { return .failure(.malformedCertificate) }
                    restrictions.forcedCommand = command
                case "source-address":
                    guard let networks = networks(in: option) else {
                        return .failure(.malformedCertificate)
                    }
                    guard let address, networks.contains(where: { $0.contains(address) }) else {
                        return .failure(.otherSource)
                    }
                case "verify-required": return .failure(.verifyRequired)
                default: return .failure(.unknownCriticalOption)
                }
            }
            for option in certificate.extensions {
                // Others, such as no-touch-required, restrict nothing.
                guard let permission = UserCertificate.Permission(rawValue: option.name) else { continue }
                guard option.data.isEmpty else { return .failure(.malformedCertificate) }
                restrictions.permissions.insert(permission)
            }
            return .success(restrictions)
        }

        /// nil unless every one of them is a network.
        private static func networks(in option: PresentedCertificate.Option) -> [Network]? {
            guard let text = option.text else { return nil }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count <= networkLimit else { return nil }
            let networks = parts.compactMap { Network($0) }
            return networks.count == parts.count ? networks : nil
        }
    }
}
