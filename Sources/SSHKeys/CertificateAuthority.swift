import Support

/// Signs user certificates with an Ed25519 key that the hosts trust.
package struct CertificateAuthority: Sendable {
    private let key: PrivateKey

    /// No text in a certificate that is signed here is longer, in bytes.
    package static let textLimit = 1_024

    package init(key: PrivateKey) {
        self.key = key
    }

    /// What the hosts trust.
    package var publicKey: PublicKey { key.publicKey }

    /// The line of authorized_keys that lets holders of a certificate for `principal` in.
    package func authorizedKeysLine(principal: String) -> String {
        "cert-authority,principals=\"\(principal)\" \(publicKey.line)"
    }

    /// Signs a certificate, with a nonce of its own.
    ///
    /// - Throws: `KeyError` with code `invalidCertificate` for one that would be good for anybody, for no time, or that sshd
    ///   would misread; `cryptography` when libcrypto fails.
    package func sign(_ certificate: UserCertificate) throws(KeyError) -> SignedCertificate {
        try Self.check(certificate)
        let name = certificate.subject.type.certificateName
        var out = WireWriter()
        out.string(name)
        out.data(try Cryptography.randomBytes(32))
        // The fields of the plain key follow as they are, without its name.
        out.raw(certificate.subject.blob.dropFirst(4 + certificate.subject.type.rawValue.utf8.count))
        out.uint64(certificate.serial)
        out.uint32(1)  // SSH_CERT_TYPE_USER
        out.string(certificate.keyID)
        out.data(Self.packed { list in for name in certificate.principals { list.string(name) } })
        out.uint64(UInt64(certificate.validAfter.seconds))
        out.uint64(UInt64(certificate.validBefore.seconds))
        out.data(
            Self.packed { list in
                for (name, value) in Self.options(of: certificate) {
                    list.string(name)
                    list.data(Self.packed { $0.string(value) })
                }
            })
        out.data(
            Self.packed { list in
                for name in certificate.permissions.map(\.rawValue).sorted(by: Self.precedes) {
                    list.string(name)
                    list.data([])
                }
            })
        out.data([])
        out.data(publicKey.blob)
        out.data(try key.sign(out.bytes))
        return SignedCertificate(name: name, blob: out.bytes)
    }

    private static func check(_ certificate: UserCertificate) throws(KeyError) {
        let principals = certificate.principals
        guard !principals.isEmpty, principals.count <= 256 else {
            throw KeyError(.invalidCertificate, "a certificate needs 1 to 256 principals")
        }
        let texts = principals + [certificate.keyID, certificate.forcedCommand ?? "-"]
        guard
            texts.allSatisfy({ text in
                !text.isEmpty && text.utf8.count <= textLimit
                    && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            }), principals.allSatisfy({ !$0.contains(",") })
        else {
            throw KeyError(
                .invalidCertificate,
                "a text in the certificate is empty, too long or holds control characters")
        }
        guard
            certificate.sourceAddresses.allSatisfy({ address in
                !address.isEmpty && address.utf8.allSatisfy { isAddressCharacter($0) }
            })
        else {
            throw KeyError(.invalidCertificate, "a source address of the certificate is not one")
        }
        guard certificate.validAfter.seconds >= 0, certificate.validAfter < certificate.validBefore else {
            throw KeyError(.invalidCertificate, "the certificate would never be valid")
        }
    }

    private static func isAddressCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    /// Critical options in the order they must have: by name.
    private static func options(of certificate: UserCertificate) -> [(name: String, value: String)] {
        var options: [(name: String, value: String)] = []
        if let command = certificate.forcedCommand { options.append(("force-command", command)) }
        if !certificate.sourceAddresses.isEmpty {
            options.append(("source-address", certificate.sourceAddresses.joined(separator: ",")))
        }
        return options
    }

    /// Byte order, which is what the format asks for; Swift's own order of texts is another.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func packed(_ fill: (inout WireWriter) -> Void) -> [UInt8] {
        var list = WireWriter()
        fill(&list)
        return list.bytes
    }
}
