package import Directory

/// Whether a public key may log in under a login name.
///
/// The client is told yes or no and nothing else: a name that does not exist and a key that is not the user's look the same.
package enum KeyDecision: Equatable, Sendable {
    /// The key is this active user's.
    case accepted(user: User, fingerprint: String)

    /// The key is that of this host's watcher, which may deliver to the book and nothing else.
    case acceptedWatcher(host: String, fingerprint: String)

    /// The reason is for the event log only.
    case rejected(Reason)

    /// The login name of watchers, with the host's name for a target; no user can have it.
    package static let watcherName = "gatehouse-watch"

    /// Why a key was not accepted.
    package enum Reason: String, Sendable, CaseIterable {
        case malformedName = "the login name is malformed"
        case unknownWatcher = "no watcher with this key is installed on that host"
        case unknownUser = "there is no such user"
        case unknownKey = "nobody has this key"
        case otherUser = "the key is somebody else's"
        case locked = "the user is locked"
        case left = "the user has left"
    }

    /// Decides; asks the directory the same questions whatever the answers are.
    ///
    /// - Throws: when the directory cannot be read.
    package init(login: LoginName?, key blob: [UInt8], in directory: DirectoryStore) throws {
        if let login, login.user == Self.watcherName {
            self.init(
                watcherOf: login.target ?? "", key: blob,
                known: try directory.watchKey(of: login.target ?? ""))
            return
        }
        let holder = try directory.findKey(blob: blob)
        let user = try directory.findUser(login?.user ?? "")
        self.init(
            login: login, user: user, holder: holder?.user, fingerprint: holder?.key.material.fingerprint)
    }

    /// The rule for watchers: the one key of the one host that was named.
    package init(watcherOf host: String, key blob: [UInt8], known: WatchKey?) {
        guard let known, known.host == host, known.material.blob == blob else {
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
    package init(login: LoginName?, user: User?, holder: User?, fingerprint: String?) {
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
        switch user.state {
        case .active: self = .accepted(user: user, fingerprint: fingerprint)
        case .locked: self = .rejected(.locked)
        case .left: self = .rejected(.left)
        }
    }
}
