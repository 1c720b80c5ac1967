import COpenSSL

/// What libcrypto does for secrets.
enum Chance {
    /// Bytes that nobody can guess.
    static func bytes(_ count: Int) throws(CodeError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe RAND_bytes(&bytes, Int32(count)) == 1 else { throw CodeError("RAND_bytes failed") }
        return bytes
    }

    /// HMAC-SHA-256, 32 bytes.
    static func digest(of bytes: [UInt8], key: [UInt8]) throws(CodeError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard unsafe HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &count) != nil,
            Int(count) == digest.count
        else { throw CodeError("HMAC failed") }
        return digest
    }
}
