import COpenSSL

/// SHA-256 and its keyed form, by libcrypto.
package enum Digest {
    private static let byteCount = 32

    /// The 32 bytes of the hash.
    ///
    /// - Throws: `AWSError` with code `cryptography`.
    package static func sha256(_ bytes: [UInt8]) throws(AWSError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        guard unsafe SHA256(bytes, bytes.count, &digest) != nil else {
            throw AWSError(.cryptography, "libcrypto has no SHA-256")
        }
        return digest
    }

    /// - Throws: `AWSError` with code `cryptography`.
    static func hmacSHA256(_ text: String, key: [UInt8]) throws(AWSError) -> [UInt8] {
        let message = Array(text.utf8)
        var digest = [UInt8](repeating: 0, count: byteCount)
        guard unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &digest, nil) != nil
        else {
            throw AWSError(.cryptography, "libcrypto has no HMAC with SHA-256")
        }
        return digest
    }
}
