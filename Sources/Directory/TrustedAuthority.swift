package import Support

/// A CA outside of Gatehouse whose user certificates open logins here.
package struct TrustedAuthority: Equatable, Sendable {
    /// What administrators call it.
    package let name: String
    package let material: KeyMaterial
    /// The only users whom it may name, besides the members of `groups`.
    package let users: [String]
    package let groups: [String]
    package let added: Timestamp

    package init(
        name: String, material: KeyMaterial, users: [String] = [], groups: [String] = [], added: Timestamp
    ) {
        self.name = name
        self.material = material
        self.users = users
        self.groups = groups
        self.added = added
    }
}

/// Certificates of one CA that open nothing any more, whether the CA is trusted now or not.
package struct CertificateRevocation: Hashable, Sendable {
    /// By what they are known.
    package enum Mark: Hashable, Sendable {
        case serial(UInt64)
        case keyID(String)
    }

    /// The fingerprint of the CA's key.
    package let authority: String
    package let mark: Mark

    package init(authority: String, mark: Mark) {
        self.authority = authority
        self.mark = mark
    }
}

/// What the directory knows that decides about one certificate.
package struct CertificateFacts: Equatable, Sendable {
    /// Who signed it, if that is trusted.
    package let authority: TrustedAuthority?
    /// Who has the login name.
    package let user: User?
    /// Whether the authority may name that user.
    package let mayName: Bool
    /// Whether the certificate, or the key in it, was revoked, or the CA's own key.
    package let isRevoked: Bool

    package init(authority: TrustedAuthority?, user: User?, mayName: Bool, isRevoked: Bool) {
        self.authority = authority
        self.user = user
        self.mayName = mayName
        self.isRevoked = isRevoked
    }
}

extension DirectoryStore {
    /// The trusted CAs, by name.
    package func authorities() throws -> [TrustedAuthority] {
        try read { try $0.authorities() }
    }

    /// Trusts a CA.
    ///
    /// - Parameters:
    ///   - users: with `groups` the only people it may name; both empty: everybody.
    /// - Throws: `DirectoryError` `.invalidName`, `.nameTaken`, `.keyTaken`, `.invalidKey`, `.notFound` for a user or group.
    @discardableResult
    package func addAuthority(
        _ name: String, _ key: KeyMaterial, users: [String] = [], groups: [String] = [],
        at time: Timestamp = .now
    ) throws -> TrustedAuthority {
        try change { tables in
            for user in users { _ = try tables.presentUser(user) }
            for group in groups { _ = try tables.group(group) }
            return try tables.addAuthority(name, key, users: users, groups: groups, at: time)
        }
    }

    /// Trusts a CA no more; what was revoked of it stays revoked.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    @discardableResult
    package func removeAuthority(_ name: String) throws -> TrustedAuthority {
        try change { try $0.removeAuthority(name) }
    }

    /// All revocations of certificates, in the order of authorities and marks.
    package func certificateRevocations() throws -> [CertificateRevocation] {
        try read { try $0.certificateRevocations() }
    }

    /// Revokes certificates of a trusted CA.
    ///
    /// - Throws: `DirectoryError` `.notFound` for the CA, `.invalidField` for a key id that is none.
    package func revokeCertificates(_ mark: CertificateRevocation.Mark, of authority: String) throws {
        try change { tables in
            let known = try tables.authority(authority)
            try tables.revoke(CertificateRevocation(authority: known.material.fingerprint, mark: mark))
        }
    }

    /// Refuses a key that nobody here has, alone and in certificates, for ever.
    ///
    /// - Throws: `DirectoryError` `.keyTaken` for the key of a user or a trusted CA, who are to lose it first; `.invalidKey`.
    package func revokeKey(_ key: KeyMaterial, at time: Timestamp = .now) throws {
        try change { tables in
            if let owner = try tables.key(withBlob: key.blob) {
                throw DirectoryError(
                    .keyTaken, "the key \(key.fingerprint) belongs to '\(owner.user)'",
                    hint: "'gatehouse key remove \(owner.user) \(key.fingerprint)' takes and revokes it")
            }
            if let known = try tables.authorities().first(where: { $0.material.blob == key.blob }) {
                throw DirectoryError(
                    .keyTaken, "the CA '\(known.name)' has this key",
                    hint: "'gatehouse ca remove \(known.name)' first")
            }
            try tables.revoke(key, isFinal: true, at: time)
        }
    }

    /// Keys that open nothing, alone or in certificates: those taken away, of who has left, and revoked ones.
    package func revokedKeys() throws -> [KeyMaterial] {
        try read { try $0.revokedKeys() }
    }

    /// What is known that concerns a certificate; asks the same whatever the answers are.
    package func facts(
        aboutCertificateOf subject: [UInt8], by authority: [UInt8], serial: UInt64, keyID: String,
        for user: String
    ) throws -> CertificateFacts {
        try read { tables in
            let known = try tables.authorities().first { $0.material.blob == authority }
            let user = try tables.findUser(user)
            let isMarked = try known.map { authority in
                try [.serial(serial), .keyID(keyID)].contains {
                    try tables.isRevoked(.init(authority: authority.material.fingerprint, mark: $0))
                }
            }
            let keys = try [subject, authority].filter { try tables.isRevoked($0) }
            return CertificateFacts(
                authority: known, user: user,
                mayName: try known.map { try tables.mayName(user, $0) } ?? false,
                isRevoked: isMarked ?? false || !keys.isEmpty)
        }
    }
}
