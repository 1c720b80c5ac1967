import COpenSSL

/// Hashes of libcrypto.
package enum HashFunction {
    /// The SHA-256 of bytes, 32 bytes.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = unsafe SHA256(bytes, bytes.count, &digest)
        return digest
    }

    /// The SHA-512 of bytes, 64 bytes.
    package static func sha512(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA512_DIGEST_LENGTH))
        _ = unsafe SHA512(bytes, bytes.count, &digest)
        return digest
    }
}
