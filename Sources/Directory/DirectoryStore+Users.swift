package import Support

/// What a new user is to be.
package struct NewUser: Sendable {
    package var name: String
    package var fullName: String
    package var shell: String
    /// A number of the range that was never given out; nil: the next one.
    package var uid: UInt32?
    package var isAdmin: Bool
    package var isAuditor: Bool
    /// From where they may log in.
    package var networks: SourceNetworks
    /// Shared groups, by name.
    package var groups: [String]

    package init(
        _ name: String, fullName: String = "", shell: String = User.defaultShell, uid: UInt32? = nil,
        isAdmin: Bool = false, isAuditor: Bool = false, networks: SourceNetworks = .anywhere,
        groups: [String] = []
    ) {
        self.name = name
        self.fullName = fullName
        self.shell = shell
        self.uid = uid
        self.isAdmin = isAdmin
        self.isAuditor = isAuditor
        self.networks = networks
        self.groups = groups
    }
}

extension DirectoryStore {
    /// Everybody, also who has left, by name.
    package func users() throws -> [User] {
        try read { try $0.users() }
    }

    /// The user with that name, whatever their state; nil if there never was one.
    package func findUser(_ name: String) throws -> User? {
        try read { try $0.findUser(name) }
    }

    /// Who has or had that uid; nil: nobody.
    package func findUser(uid: UInt32) throws -> User? {
        try read { try $0.findUser(uid: uid) }
    }

    /// The host or pool that the user has chosen for logins that name none; nil: none, or there is no such user.
    package func pin(of user: String) throws -> String? {
        try read { tables in try tables.findUser(user).flatMap { try tables.pin(of: $0) } }
    }

    /// Notes that choice, or forgets it.
    ///
    /// - Throws: `DirectoryError` `.notFound` for the user and the target, `.userNotActive` for who has left.
    package func setPin(_ target: String?, of user: String) throws {
        try write { try $0.setPin(target, of: user) }
    }

    /// The user with that name, whatever their state.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func user(_ name: String) throws -> User {
        try read { try $0.user(name) }
    }

    /// Makes a user with a uid nobody ever had.
    ///
    /// - Throws: `DirectoryError` `.invalidName`, `.reservedName`, `.nameTaken`, `.uidTaken`, `.outOfRange`, `.rangeExhausted`,
    ///   `.invalidField`, and `.notFound` for a group.
    package func addUser(_ new: NewUser, at time: Timestamp = .now) throws -> User {
        try change { try $0.addUser(new, at: time) }
    }

    /// Keeps the user out until `unlockUser`.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left.
    @discardableResult
    package func lockUser(_ name: String) throws -> User {
        try change { try $0.setState(.locked, of: name) }
    }

    /// Lets the user in again.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left.
    @discardableResult
    package func unlockUser(_ name: String) throws -> User {
        try change { try $0.setState(.active, of: name) }
    }

    /// Ends the user's time here, for good: memberships, grants and keys go; the name and the uid stay theirs.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left already.
    @discardableResult
    package func leaveUser(_ name: String) throws -> User {
        try change { try $0.setState(.left, of: name) }
    }

    /// Gives or takes the administrator's commands.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left.
    @discardableResult
    package func setAdmin(_ isAdmin: Bool, of name: String) throws -> User {
        try change { try $0.setAdmin(isAdmin, of: name) }
    }

    /// Makes somebody an administrator, an auditor, or neither.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left.
    @discardableResult
    package func setRole(_ role: UserRole, of name: String) throws -> User {
        try change { tables in
            _ = try tables.setAdmin(role == .admin, of: name)
            return try tables.setAuditor(role == .auditor, of: name)
        }
    }

    /// Says from where the user may log in; from elsewhere they are refused as somebody who does not exist.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left.
    @discardableResult
    package func setNetworks(_ networks: SourceNetworks, of name: String) throws -> User {
        try change { try $0.setNetworks(networks, of: name) }
    }

    // MARK: Keys

    /// The keys of one user, or of everybody, by user and fingerprint.
    ///
    /// - Throws: `DirectoryError` `.notFound` for the user.
    package func keys(of user: String? = nil) throws -> [UserKey] {
        try read { try $0.keys(of: user) }
    }

    /// Who has the public key with these bytes, whatever the user's state, and the key; nil: nobody.
    package func findKey(blob: [UInt8]) throws -> (user: User, key: UserKey)? {
        try read { tables in
            guard let key = try tables.key(withBlob: blob) else { return nil }
            return (try tables.user(key.user), key)
        }
    }

    /// Gives the user a key that nobody has.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left, `.keyTaken`, `.invalidKey`, `.invalidField`.
    @discardableResult
    package func addKey(
        _ key: KeyMaterial, to user: String, comment: String = "", at time: Timestamp = .now
    ) throws -> UserKey {
        try change { try $0.addKey(key, to: user, comment: comment, at: time) }
    }

    /// Takes a key away.
    ///
    /// - Throws: `DirectoryError` `.notFound` for the user or the key.
    package func removeKey(_ fingerprint: String, of user: String) throws {
        try change { try $0.removeKey(fingerprint, of: user) }
    }

    /// Keys that hosts are to refuse, whatever file names them: of people who are locked or have left, and those taken away.
    package func refusedKeys() throws -> [KeyMaterial] {
        try read { try $0.refusedKeys() }
    }

    /// Notes that somebody has logged in with the key; a key that is gone is none of its business.
    package func noteUse(ofKey blob: [UInt8], at time: Timestamp = .now) throws {
        try write { try $0.noteUse(ofKey: blob, at: time) }
    }
}
