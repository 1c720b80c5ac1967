package import Support

/// Whether a user may log in.
package enum UserState: String, Sendable, CaseIterable {
    case active
    /// May not log in until unlocked.
    case locked
    /// Gone for good; the name and the uid stay theirs, and so do their files.
    case left
}

/// What a user may do with Gatehouse's own commands.
package enum UserRole: String, Sendable, CaseIterable {
    case user
    /// Asks everything and changes nothing.
    case auditor
    case admin
}

/// A person with an account.
package struct User: Equatable, Sendable {
    /// The Linux uid, on every host; also the gid of the private group.
    package let uid: UInt32
    /// The Linux name, on every host.
    package let name: String
    package let fullName: String
    /// The path of the login shell.
    package let shell: String
    package let state: UserState
    /// May use the administrator's commands.
    package let isAdmin: Bool
    /// May ask what administrators may ask, and change nothing.
    package let isAuditor: Bool
    /// From where they may log in.
    package let networks: SourceNetworks
    package let created: Timestamp

    package init(
        uid: UInt32, name: String, fullName: String = "", shell: String = User.defaultShell,
        state: UserState = .active, isAdmin: Bool = false, isAuditor: Bool = false,
        networks: SourceNetworks = .anywhere, created: Timestamp
    ) {
        self.uid = uid
        self.name = name
        self.fullName = fullName
        self.shell = shell
        self.state = state
        self.isAdmin = isAdmin
        self.isAuditor = isAuditor
        self.networks = networks
        self.created = created
    }

    /// The shell of who was given none.
    package static let defaultShell = "/bin/bash"

    package var role: UserRole { isAdmin ? .admin : isAuditor ? .auditor : .user }

    /// The private group, which has the user's name.
    package var gid: UInt32 { uid }

    package var home: String { "/home/\(name)" }
}

/// A shared group. A user's private group is not one.
package struct Group: Equatable, Sendable {
    package let gid: UInt32
    package let name: String
    package let created: Timestamp

    package init(gid: UInt32, name: String, created: Timestamp) {
        self.gid = gid
        self.name = name
        self.created = created
    }
}

/// A public key as the directory stores it: taken apart elsewhere, opaque here.
package struct KeyMaterial: Hashable, Sendable {
    /// The algorithm's name, such as `ssh-ed25519`.
    package let type: String
    /// The key in SSH wire format.
    package let blob: [UInt8]
    /// `SHA256:` and 43 characters of base 64.
    package let fingerprint: String

    package init(type: String, blob: [UInt8], fingerprint: String) {
        self.type = type
        self.blob = blob
        self.fingerprint = fingerprint
    }
}

/// A public key with which a user logs in.
package struct UserKey: Equatable, Sendable {
    /// The user's name.
    package let user: String
    package let material: KeyMaterial
    package let comment: String
    package let added: Timestamp
    package let lastUsed: Timestamp?

    package init(
        user: String, material: KeyMaterial, comment: String = "", added: Timestamp,
        lastUsed: Timestamp? = nil
    ) {
        self.user = user
        self.material = material
        self.comment = comment
        self.added = added
        self.lastUsed = lastUsed
    }
}
