import Support

/// Finds the key id of a user certificate that somebody else has verified, such as the host's sshd.
package enum CertificateKeyID {
    /// How many fields the public key has in a certificate of each kind (PROTOCOL.certkeys, PROTOCOL.u2f of OpenSSH).
    private static func fieldCount(_ type: KeyType) -> Int {
        switch type {
        case .ed25519: 1
        case .ecdsa256, .ecdsa384, .ecdsa521, .rsa, .securityKeyEd25519: 2
        case .securityKeyECDSA256: 3
        }
    }

    /// SSH2_CERT_TYPE_USER.
    private static let user: UInt32 = 1
    /// No certificate is longer, in bytes.
    private static let limit = 16 * 1_024

    /// The key id in a blob; nil for anything that is no user certificate.
    package static func read(_ blob: [UInt8]) -> String? {
        guard blob.count <= limit else { return nil }
        var input = WireReader(blob)
        guard let name = try? input.string(),
            let type = KeyType.allCases.first(where: { $0.certificateName == name }),
            (try? input.data()) != nil
        else { return nil }
        for _ in 0..<fieldCount(type) {
            guard (try? input.data()) != nil else { return nil }
        }
        guard (try? input.uint64()) != nil, (try? input.uint32()) == user else { return nil }
        return try? input.string()
    }
}
