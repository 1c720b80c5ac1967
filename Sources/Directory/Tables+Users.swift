internal import SQLite
internal import Support

extension Tables {
    private static let userColumns =
        "SELECT u.uid, n.name, u.full_name, u.shell, u.state, u.is_admin, u.created, u.is_auditor, u.networks "
        + "FROM users u JOIN numbers n ON n.number = u.uid"

    static func user(_ row: Statement) -> User {
        User(
            uid: row.number(0), name: row.text(1), fullName: row.text(2), shell: row.text(3),
            state: UserState(rawValue: row.text(4)) ?? .locked, isAdmin: row.boolean(5),
            isAuditor: row.boolean(7), networks: SourceNetworks(stored: row.text(8)),
            created: row.timestamp(6))
    }

    func users() throws -> [User] {
        try database.rows("\(Self.userColumns) ORDER BY n.name", [], Self.user)
    }

    func findUser(_ name: String) throws -> User? {
        try database.first("\(Self.userColumns) WHERE n.name = ?1", [name], Self.user)
    }

    func findUser(uid: UInt32) throws -> User? {
        try database.first("\(Self.userColumns) WHERE u.uid = ?1", [uid], Self.user)
    }

    func user(_ name: String) throws -> User {
        if let user = try findUser(name) { return user }
        throw DirectoryError(
            .notFound, "there is no user \(Rules.quoted(name))", hint: "see 'gatehouse user list'")
    }

    /// A user who can still be changed: active or locked.
    func presentUser(_ name: String) throws -> User {
        let user = try user(name)
        if user.state == .left {
            throw DirectoryError(
                .userNotActive, "'\(name)' has left",
                hint: "leaving is final; the name and the uid stay theirs")
        }
        return user
    }

    func addUser(_ new: NewUser, at time: Timestamp) throws -> User {
        try Rules.checkFullName(new.fullName)
        try Rules.checkShell(new.shell)
        let uid = try claimNumber(new.uid, kind: "user", name: new.name)
        try database.run(
            "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", uid, new.fullName, new.shell,
            UserState.active.rawValue, new.isAdmin, time.wholeSeconds, new.isAuditor, new.networks.text)
        for group in new.groups { try addMember(new.name, to: group) }
        return try user(new.name)
    }

    func setState(_ state: UserState, of name: String) throws -> User {
        let user = try presentUser(name)
        try database.run("UPDATE users SET state = ?2 WHERE uid = ?1", user.uid, state.rawValue)
        if state == .left {
            try database.run("DELETE FROM memberships WHERE uid = ?1", user.uid)
            try database.run("DELETE FROM grants WHERE uid = ?1", user.uid)
            try database.run("DELETE FROM pins WHERE uid = ?1", user.uid)
            _ = try removeCodeEnrolment(of: user.uid)
            try database.run("DELETE FROM access_requests WHERE uid = ?1 AND state = 'open'", user.uid)
            for key in try keys(of: name) { try revoke(key.material) }
            try database.run("DELETE FROM user_keys WHERE uid = ?1", user.uid)
        }
        return try self.user(name)
    }

    func setAdmin(_ isAdmin: Bool, of name: String) throws -> User {
        let user = try presentUser(name)
        try database.run("UPDATE users SET is_admin = ?2 WHERE uid = ?1", user.uid, isAdmin)
        return try self.user(name)
    }

    func setAuditor(_ isAuditor: Bool, of name: String) throws -> User {
        let user = try presentUser(name)
        try database.run("UPDATE users SET is_auditor = ?2 WHERE uid = ?1", user.uid, isAuditor)
        return try self.user(name)
    }

    func setNetworks(_ networks: SourceNetworks, of name: String) throws -> User {
        let user = try presentUser(name)
        try database.run("UPDATE users SET networks = ?2 WHERE uid = ?1", user.uid, networks.text)
        return try self.user(name)
    }

    // MARK: Pins

    func pin(of user: User) throws -> String? {
        try database.first("SELECT target FROM pins WHERE uid = ?1", [user.uid]) { $0.text(0) }
    }

    func setPin(_ target: String?, of name: String) throws {
        let user = try presentUser(name)
        try database.run("DELETE FROM pins WHERE uid = ?1", user.uid)
        guard let target else { return }
        let query = "SELECT 1 FROM targets WHERE name = ?1"
        guard try database.first(query, [target], { _ in true }) != nil else {
            throw DirectoryError(.notFound, "there is no host or pool \(Rules.quoted(target))")
        }
        try database.run("INSERT INTO pins VALUES (?1, ?2)", user.uid, target)
    }

    // MARK: Keys

    private static let keyColumns =
        "SELECT n.name, k.type, k.blob, k.fingerprint, k.comment, k.added, k.last_used "
        + "FROM user_keys k JOIN numbers n ON n.number = k.uid"

    private static func key(_ row: Statement) -> UserKey {
        UserKey(
            user: row.text(0),
            material: KeyMaterial(type: row.text(1), blob: row.blob(2), fingerprint: row.text(3)),
            comment: row.text(4), added: row.timestamp(5), lastUsed: row.optional(6, row.timestamp))
    }

    func keys(of user: String?) throws -> [UserKey] {
        guard let user else {
            return try database.rows("\(Self.keyColumns) ORDER BY n.name, k.fingerprint", [], Self.key)
        }
        let uid = try self.user(user).uid
        return try database.rows(
            "\(Self.keyColumns) WHERE k.uid = ?1 ORDER BY k.fingerprint", [uid], Self.key)
    }

    func key(withBlob blob: [UInt8]) throws -> UserKey? {
        try database.first("\(Self.keyColumns) WHERE k.blob = ?1", [blob], Self.key)
    }

    func addKey(
        _ key: KeyMaterial, to name: String, comment: String, at time: Timestamp, lastUsed: Timestamp? = nil
    ) throws -> UserKey {
        let user = try presentUser(name)
        try Rules.checkKey(key)
        try Rules.checkComment(comment)
        if let owner = try self.key(withBlob: key.blob)?.user {
            throw DirectoryError(
                .keyTaken,
                owner == name
                    ? "'\(name)' has the key \(key.fingerprint) already"
                    : "the key \(key.fingerprint) belongs to '\(owner)'",
                hint: owner == name ? nil : "a key says who somebody is, so each user needs their own")
        }
        if try isRevokedForGood(key.blob) { throw Self.revoked(key) }
        if let known = try authorities().first(where: { $0.material.blob == key.blob }) {
            throw DirectoryError(.keyTaken, "the key \(key.fingerprint) is that of the CA '\(known.name)'")
        }
        try database.run(
            "INSERT INTO user_keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", key.blob, user.uid, key.type,
            key.fingerprint, comment, time.wholeSeconds, lastUsed?.wholeSeconds)
        try database.run("DELETE FROM revoked_keys WHERE blob = ?1", key.blob)
        return UserKey(
            user: name, material: key, comment: comment, added: time.wholeSeconds,
            lastUsed: lastUsed?.wholeSeconds)
    }

    func removeKey(_ fingerprint: String, of name: String) throws {
        let user = try user(name)
        for key in try keys(of: name) where key.material.fingerprint == fingerprint {
            try revoke(key.material)
        }
        let changed = try database.run(
            "DELETE FROM user_keys WHERE uid = ?1 AND fingerprint = ?2", user.uid, fingerprint)
        if changed == 0 {
            throw DirectoryError(
                .notFound, "'\(name)' has no key \(Rules.quoted(fingerprint))",
                hint: "see 'gatehouse key list \(name)'")
        }
    }

    /// Notes a key that hosts are to refuse from now on.
    ///
    /// - Parameter isFinal: nobody can be given it any more.
    func revoke(_ key: KeyMaterial, isFinal: Bool = false, at time: Timestamp = .now) throws {
        try Rules.checkKey(key)
        try database.run(
            """
            INSERT INTO revoked_keys (blob, type, fingerprint, revoked, is_final) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET is_final = max(is_final, excluded.is_final)
            """, key.blob, key.type, key.fingerprint, time.wholeSeconds, isFinal)
    }

    /// The keys noted so, by fingerprint.
    func revokedKeys() throws -> [KeyMaterial] {
        try database.rows(
            "SELECT type, blob, fingerprint FROM revoked_keys ORDER BY fingerprint", []
        ) { KeyMaterial(type: $0.text(0), blob: $0.blob(1), fingerprint: $0.text(2)) }
    }

    /// All keys that hosts are to refuse: those noted, and those of people who are locked.
    func refusedKeys() throws -> [KeyMaterial] {
        let locked = try database.rows(
            "\(Self.keyColumns) JOIN users u ON u.uid = k.uid WHERE u.state <> 'active'", [], Self.key)
        return Set(try revokedKeys() + locked.map(\.material)).sorted { $0.fingerprint < $1.fingerprint }
    }

    func noteUse(ofKey blob: [UInt8], at time: Timestamp) throws {
        try database.run(
            "UPDATE user_keys SET last_used = ?2 WHERE blob = ?1 AND (last_used IS NULL OR last_used < ?3)",
            blob, time.wholeSeconds, (time + .seconds(-60)).wholeSeconds)
    }
}
