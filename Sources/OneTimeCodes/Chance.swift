import COpenSSL

/// What libcrypto does for secrets.
enum Chance {
    /// Bytes that nobody can guess.
    static func bytes(_ count: Int) throws(CodeError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe RAND_bytes(&bytes, Int32(count)) == 1 else { throw CodeError("RAND_bytes failed") }
        return bytes
    }

    /// Whether two texts are the same; of equal lengths it takes the same time wherever they differ.
    static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }

    /// HMAC-SHA-256, 32 bytes.
    static func digest(of bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        _ = unsafe HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &count)
        return digest
    }
}
