package import Directory
import SSHKeys
package import Support

/// Whether a public key or a user certificate may log in under a login name.
///
/// The client is told yes or no and nothing else: a name that does not exist and a key that is not the user's look the same.
package enum KeyDecision: Equatable, Sendable {
    /// The key is this active user's, or a CA says so that may.
    ///
    /// - certificate: nil for a key of the directory.
    case accepted(user: User, fingerprint: String, certificate: AcceptedCertificate? = nil)

    /// The key is that of this host's watcher, which may deliver to the book and nothing else.
    case acceptedWatcher(host: String, fingerprint: String)

    /// The reason is for the event log only.
    case rejected(Reason)

    /// The login name of watchers, with the host's name for a target; no user can have it.
    package static let watcherName = "gatehouse-watch"

    /// Why a key was not accepted.
    package enum Reason: String, Error, Sendable, CaseIterable {
        case malformedName = "the login name is malformed"
        case unknownWatcher = "no watcher with this key is installed on that host"
        case unknownUser = "there is no such user"
        case unknownKey = "nobody has this key"
        case otherUser = "the key is somebody else's"
        case locked = "the user is locked"
        case left = "the user has left"
        case otherNetwork = "the user may not log in from this address"
        case malformedCertificate = "the certificate is malformed"
        case unknownAuthority = "no trusted CA has signed the certificate"
        case wrongCertificateSignature = "the signature of the certificate's CA is wrong"
        case hostCertificate = "the certificate is a host's"
        case revokedCertificate = "the certificate, its key or its CA is revoked"
        case otherPrincipals = "the certificate does not name the user"
        case beyondScope = "the certificate's CA may not name this user"
        case notYetValid = "the certificate is not valid yet"
        case expired = "the certificate has expired"
        case otherSource = "the certificate is not for this address"
        case verifyRequired = "the certificate wants a verified user, which cannot be seen here"
        case unknownCriticalOption = "the certificate has a critical option that is not known"
    }

    /// Decides; asks the directory the same questions whatever the answers are.
    ///
    /// - Parameter address: where the client is.
    /// - Throws: when the directory cannot be read.
    package init(
        login: LoginName?, key blob: [UInt8], from address: String, at time: Timestamp,
        in directory: DirectoryStore
    ) throws {
        if let login, login.user == Self.watcherName {
            self.init(
                watcherOf: login.target ?? "", key: blob,
                known: try directory.watchKey(of: login.target ?? ""))
        } else if PresentedCertificate.isMeant(by: blob) {
            try self.init(login: login, certificate: blob, from: address, at: time, in: directory)
        } else {
            let holder = try directory.findKey(blob: blob)
            let user = try directory.findUser(login?.user ?? "")
            self.init(
                login: login, user: user, holder: holder?.user,
                fingerprint: holder?.key.material.fingerprint, from: Origin(client: address))
        }
    }

    private init(
        login: LoginName?, certificate blob: [UInt8], from address: String, at time: Timestamp,
        in directory: DirectoryStore
    ) throws {
        guard let certificate = try? PresentedCertificate(blob: blob) else {
            self = .rejected(.malformedCertificate)
            return
        }
        let facts = try directory.facts(
            aboutCertificateOf: certificate.subject.blob, by: certificate.authority.blob,
            serial: certificate.serial, keyID: certificate.keyID, for: login?.user ?? "")
        guard let login else {
            self = .rejected(.malformedName)
            return
        }
        self = CertificateRule.decide(
            certificate,
            // Who is not trusted does not have the daemon calculate; who is named makes no difference.
            isSigned: facts.authority != nil && certificate.isSignedByItsAuthority,
            login: login, facts: facts, from: IPAddress(address), at: time)
    }

    /// The rule for those who show no key: an active user's name, from where that user may log in.
    package static func person(
        _ user: User?, named login: LoginName?, from origin: Origin
    ) throws(Reason) -> User {
        guard let login else { throw .malformedName }
        guard let user, user.name == login.user else { throw .unknownUser }
        if let obstacle = obstacle(to: user, from: origin) { throw obstacle }
        return user
    }

    /// Why a user may not log in whatever they show; nil: they may.
    static func obstacle(to user: User, from origin: Origin) -> Reason? {
        switch user.state {
        case .active: user.networks.admit(origin) ? nil : .otherNetwork
        case .locked: .locked
        case .left: .left
        }
    }

    /// The rule for watchers: the one key of the one host that was named, unless the gateway goes there itself.
    package init(watcherOf host: String, key blob: [UInt8], known: WatchKey?) {
        guard let known, known.host == host, known.material.blob == blob, !known.isFetched else {
            self = .rejected(.unknownWatcher)
            return
        }
        self = .acceptedWatcher(host: host, fingerprint: known.material.fingerprint)
    }

    /// The rule itself.
    ///
    /// - Parameters:
    ///   - user: who has the login name.
    ///   - holder: whose key it is, and `fingerprint` its name.
    ///   - origin: where the client is.
    package init(
        login: LoginName?, user: User?, holder: User?, fingerprint: String?, from origin: Origin
    ) {
        guard let login else {
            self = .rejected(.malformedName)
            return
        }
        guard let user, user.name == login.user else {
            self = .rejected(.unknownUser)
            return
        }
        guard let holder, let fingerprint else {
            self = .rejected(.unknownKey)
            return
        }
        guard holder.uid == user.uid else {
            self = .rejected(.otherUser)
            return
        }
        if let obstacle = Self.obstacle(to: user, from: origin) {
            self = .rejected(obstacle)
        } else {
            self = .accepted(user: user, fingerprint: fingerprint)
        }
    }
}
