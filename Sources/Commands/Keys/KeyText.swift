import Directory
import SSHKeys
import Support

/// Public keys as people hand them over: lines of `authorized_keys` or `.pub` files.
enum KeyText {
    /// No text of keys is longer, in bytes.
    static let limit = 64 * 1024

    /// The one key in a text.
    ///
    /// - Throws: `KeyError`, which never quotes what was read: it may be a secret.
    static func one(in bytes: [UInt8]) throws -> PublicKey {
        try PublicKey.parse(bytes: bytes)
    }

    /// All keys in a text, one at least, one on each line.
    ///
    /// - Throws: as `one`.
    static func all(in bytes: [UInt8]) throws -> [PublicKey] {
        // The whole of it first: a private key spreads over lines.
        if PrivateKeyMark.isFound(in: bytes) { return [try one(in: bytes)] }
        let lines = bytes.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            .filter { $0.first != UInt8(ascii: "#") }
        guard lines.count > 1 else { return [try one(in: bytes)] }
        return try lines.map { try PublicKey.parse(bytes: Array($0)) }
    }

    /// A host's key by its blob; nil for a type nobody knows.
    static func material(ofBlob blob: [UInt8]) -> KeyMaterial? {
        (try? PublicKey(blob: blob)).map { material(of: $0) }
    }

    /// What the directory keeps of a key.
    static func material(of key: PublicKey) -> KeyMaterial {
        KeyMaterial(type: key.type.rawValue, blob: key.blob, fingerprint: key.fingerprint)
    }

    /// `ssh-ed25519 AAAA…`, without a comment.
    static func line(of key: PublicKey) -> String { "\(key.type.rawValue) \(Base64.encode(key.blob))" }
}
