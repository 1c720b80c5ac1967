import Support

/// Finds the key id of a user certificate that somebody else has verified, such as the host's sshd.
package enum CertificateKeyID {
    /// SSH2_CERT_TYPE_USER.
    private static let user: UInt32 = 1

    /// The key id in a blob; nil for anything that is no user certificate.
    package static func read(_ blob: [UInt8]) -> String? {
        guard blob.count <= PresentedCertificate.byteLimit else { return nil }
        var input = WireReader(blob)
        guard let name = try? input.string(),
            let type = KeyType.allCases.first(where: { $0.certificateName == name }),
            (try? input.data()) != nil
        else { return nil }
        for _ in 0..<type.fieldCount {
            guard (try? input.data()) != nil else { return nil }
        }
        guard (try? input.uint64()) != nil, (try? input.uint32()) == user else { return nil }
        return try? input.string()
    }
}
