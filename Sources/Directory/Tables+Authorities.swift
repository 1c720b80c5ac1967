internal import SQLite
internal import Support

extension Tables {
    func authorities() throws -> [TrustedAuthority] {
        let scopes = try database.rows(
            """
            SELECT s.authority, n.kind, n.name FROM authority_scopes s JOIN numbers n USING (number)
            ORDER BY n.name
            """, []
        ) { (authority: $0.text(0), kind: $0.text(1), name: $0.text(2)) }
        return try database.rows(
            "SELECT name, type, blob, fingerprint, added FROM authorities ORDER BY name", []
        ) { row in
            let name = row.text(0)
            func names(_ kind: String) -> [String] {
                scopes.filter { $0.authority == name && $0.kind == kind }.map(\.name)
            }
            return TrustedAuthority(
                name: name,
                material: KeyMaterial(type: row.text(1), blob: row.blob(2), fingerprint: row.text(3)),
                users: names("user"), groups: names("group"), added: row.timestamp(4))
        }
    }

    func authority(_ name: String) throws -> TrustedAuthority {
        if let known = try authorities().first(where: { $0.name == name }) { return known }
        throw DirectoryError(
            .notFound, "there is no trusted CA \(Rules.quoted(name))", hint: "see 'gatehouse ca list'")
    }

    func addAuthority(
        _ name: String, _ key: KeyMaterial, users: [String], groups: [String], at time: Timestamp
    ) throws -> TrustedAuthority {
        guard Rules.matches(name, start: Rules.targetStart, rest: Rules.authorityRest, limit: 63) else {
            throw DirectoryError(
                .invalidName, "\(Rules.quoted(name)) is not a name for a CA",
                hint: "1 to 63 of the characters a-z, 0-9, ., _ and -, a letter or digit first")
        }
        try Rules.checkKey(key)
        for known in try authorities() {
            if known.name == name {
                throw DirectoryError(
                    .nameTaken, "there is a CA '\(name)' already",
                    hint: "'gatehouse ca remove \(name)' ends the trust in it")
            }
            if known.material.blob == key.blob {
                throw DirectoryError(.keyTaken, "the CA '\(known.name)' has this key already")
            }
        }
        if let owner = try self.key(withBlob: key.blob) {
            throw DirectoryError(
                .keyTaken, "the key \(key.fingerprint) belongs to '\(owner.user)'",
                hint: "who can log in with a CA's key could be anybody; give the CA a key of its own")
        }
        if try isRevoked(key.blob) { throw Self.revoked(key) }
        try database.run(
            "INSERT INTO authorities VALUES (?1, ?2, ?3, ?4, ?5)", name, key.type, key.blob, key.fingerprint,
            time.wholeSeconds)
        // Also of who has left and of what was removed: a scope never grows by losing somebody.
        let numbers =
            try users.map { try scopeNumber($0, kind: "user") }
            + groups.map { try scopeNumber($0, kind: "group") }
        for number in Set(numbers) {
            try database.run("INSERT INTO authority_scopes VALUES (?1, ?2)", name, number)
        }
        return try authority(name)
    }

    private func scopeNumber(_ name: String, kind: String) throws -> UInt32 {
        let query = "SELECT number FROM numbers WHERE name = ?1 AND kind = ?2"
        if let number = try database.first(query, [name, kind], { $0.number(0) }) { return number }
        throw DirectoryError(
            .notFound, "there is no \(kind) \(Rules.quoted(name))", hint: "see 'gatehouse \(kind) list'")
    }

    func removeAuthority(_ name: String) throws -> TrustedAuthority {
        let known = try authority(name)
        try database.run("DELETE FROM authorities WHERE name = ?1", name)
        return known
    }

    /// Whether a CA may name a user: anybody, where nothing else was said.
    func mayName(_ user: User?, _ authority: TrustedAuthority) throws -> Bool {
        if authority.users.isEmpty, authority.groups.isEmpty { return true }
        // Asked of everybody, of nobody too: the time tells no name.
        let isInGroup = try groups(of: user?.uid ?? 0).contains { authority.groups.contains($0.name) }
        guard let user else { return false }
        return isInGroup || authority.users.contains(user.name)
    }

    // MARK: Revocations

    static func revoked(_ key: KeyMaterial) -> DirectoryError {
        DirectoryError(
            .invalidKey, "the key \(key.fingerprint) has been revoked", hint: "make a new key")
    }

    /// Whether a key was revoked for good, and not only taken from somebody.
    func isRevokedForGood(_ blob: [UInt8]) throws -> Bool {
        let query = "SELECT 1 FROM revoked_keys WHERE blob = ?1 AND is_final"
        return try database.first(query, [blob]) { _ in true } ?? false
    }

    func isRevoked(_ blob: [UInt8]) throws -> Bool {
        try database.first("SELECT 1 FROM revoked_keys WHERE blob = ?1", [blob]) { _ in true } ?? false
    }

    func certificateRevocations() throws -> [CertificateRevocation] {
        try database.rows(
            "SELECT authority, kind, value FROM revoked_certificates ORDER BY authority, kind, value", []
        ) { row in
            let value = row.text(2)
            return CertificateRevocation(
                authority: row.text(0),
                mark: row.text(1) == "serial" ? .serial(UInt64(value) ?? 0) : .keyID(value))
        }
    }

    func isRevoked(_ revocation: CertificateRevocation) throws -> Bool {
        let query = "SELECT 1 FROM revoked_certificates WHERE authority = ?1 AND kind = ?2 AND value = ?3"
        let (kind, value) = Self.stored(revocation.mark)
        return try database.first(query, [revocation.authority, kind, value]) { _ in true } ?? false
    }

    private static func stored(_ mark: CertificateRevocation.Mark) -> (kind: String, value: String) {
        switch mark {
        case .serial(let number): ("serial", String(number))
        case .keyID(let text): ("key-id", text)
        }
    }

    func revoke(_ revocation: CertificateRevocation) throws {
        guard Rules.isFingerprint(revocation.authority) else {
            throw DirectoryError(
                .invalidKey, "\(Rules.quoted(revocation.authority)) is not a SHA256 fingerprint")
        }
        let (kind, value) = Self.stored(revocation.mark)
        guard (1...1_024).contains(value.utf8.count), !value.utf8.contains(0) else {
            throw DirectoryError(.invalidField, "a key id has 1 to 1024 bytes")
        }
        try database.run(
            "INSERT INTO revoked_certificates VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            revocation.authority, kind, value)
    }
}
