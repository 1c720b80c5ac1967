import COpenSSL
import Support

extension PublicKey {
    /// The flag in a security key's signature that says that somebody touched it.
    private static let userPresence: UInt8 = 1

    /// Whether this key, as a certification authority, has signed `bytes`.
    ///
    /// Signatures as OpenSSH accepts them from authorities, without SHA-1: an RSA key signs with `rsa-sha2-256` or `rsa-sha2-512`. That of a
    /// security key counts if it was touched.
    package func hasCertified(_ bytes: [UInt8], with signature: [UInt8]) -> Bool {
        var input = WireReader(signature)
        guard let algorithm = try? input.string(), let value = try? input.data() else { return false }
        var message = bytes
        if type.isSecurityKey {
            guard let flags = try? input.byte(), flags & Self.userPresence != 0,
                let counter = try? input.uint32(), let application
            else { return false }
            var signed = WireWriter()
            signed.raw(HashFunction.sha256(application))
            signed.byte(flags)
            signed.uint32(counter)
            signed.raw(HashFunction.sha256(bytes))
            message = signed.bytes
        }
        guard input.remaining == 0 else { return false }
        switch type {
        case .ed25519, .securityKeyEd25519:
            guard algorithm == type.rawValue, let point = field(1) else { return false }
            return Cryptography.isEd25519(value, of: message, by: point)
        case .ecdsa256, .ecdsa384, .ecdsa521, .securityKeyECDSA256:
            guard algorithm == type.rawValue, let point = field(2) else { return false }
            return Cryptography.isECDSA(value, of: message, by: point, on: type.curve)
        case .rsa:
            guard let exponent = field(1), let modulus = field(2) else { return false }
            switch algorithm {
            case "rsa-sha2-256":
                return Cryptography.isRSA(value, of: message, by: (modulus, exponent), hash: .sha256)
            case "rsa-sha2-512":
                return Cryptography.isRSA(value, of: message, by: (modulus, exponent), hash: .sha512)
            default: return false
            }
        }
    }

    /// A field of the blob, the name of the type being the one with number 0.
    private func field(_ index: Int) -> [UInt8]? {
        var input = WireReader(blob)
        for _ in 0..<index { _ = try? input.data() }
        return try? input.data()
    }

    /// What a security key is for, such as `ssh:`.
    private var application: [UInt8]? { field(type.fieldCount) }
}

extension KeyType {
    /// How many fields a key of this kind has after its name (PROTOCOL.certkeys, PROTOCOL.u2f of OpenSSH).
    var fieldCount: Int {
        switch self {
        case .ed25519: 1
        case .ecdsa256, .ecdsa384, .ecdsa521, .rsa, .securityKeyEd25519: 2
        case .securityKeyECDSA256: 3
        }
    }

    fileprivate var curve: Cryptography.Curve {
        switch self {
        case .ecdsa384: .p384
        case .ecdsa521: .p521
        default: .p256
        }
    }
}
