/// A kind of public key that Gatehouse accepts.
package enum KeyType: String, Sendable, CaseIterable {
    case ed25519 = "ssh-ed25519"
    case ecdsa256 = "ecdsa-sha2-nistp256"
    case ecdsa384 = "ecdsa-sha2-nistp384"
    case ecdsa521 = "ecdsa-sha2-nistp521"
    case rsa = "ssh-rsa"
    case securityKeyEd25519 = "sk-ssh-ed25519@openssh.com"
    case securityKeyECDSA256 = "sk-ecdsa-sha2-nistp256@openssh.com"

    /// Whether the private half lies in a security key (FIDO).
    package var isSecurityKey: Bool { self == .securityKeyEd25519 || self == .securityKeyECDSA256 }

    /// The name of a user certificate for a key of this kind, such as `ssh-ed25519-cert-v01@openssh.com`.
    package var certificateName: String {
        let vendor = "@openssh.com"
        let base = rawValue.hasSuffix(vendor) ? String(rawValue.dropLast(vendor.count)) : rawValue
        return "\(base)-cert-v01\(vendor)"
    }

    /// The kind a peer calls `name`.
    ///
    /// - Throws: `KeyError`: `certificate` or `unsupportedType`, with a sentence for the user.
    init(named name: String) throws(KeyError) {
        if let type = KeyType(rawValue: name) {
            self = type
        } else if name.hasSuffix("-cert-v01@openssh.com") || name.hasSuffix("-cert-v00@openssh.com") {
            throw KeyError(
                .certificate, "this is a certificate; give the plain public key it was made for")
        } else if name == "ssh-dss" {
            throw KeyError(.unsupportedType, "DSA keys are broken; make an Ed25519 key")
        } else {
            throw KeyError(
                .unsupportedType, "the key type '\(Self.shown(name))' is not accepted; make an Ed25519 key")
        }
    }

    /// A name from outside, fit for a message.
    private static func shown(_ name: String) -> String {
        let short = String(decoding: name.utf8.prefix(40), as: UTF8.self)
        return short.unicodeScalars.reduce(into: "") { $0 += $1.escaped(asASCII: true) }
    }

    /// Whether `name` looks like the name of a key type, accepted or not.
    static func resemblesName(_ name: some StringProtocol) -> Bool {
        ["ssh-", "ecdsa-", "sk-", "rsa-sha2-"].contains { name.hasPrefix($0) }
            && !name.contains { $0 == "=" || $0 == "\"" || $0 == "," }
    }
}
