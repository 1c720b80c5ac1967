import COpenSSL
import Glibc
package import Support

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

extension HashFunction {
    /// The SHA-256 of all that a file holds, 32 bytes.
    ///
    /// - Throws: `SystemError` of pread(2); ENOMEM when libcrypto has no memory.
    package static func sha256(of file: Descriptor) throws(SystemError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        else { throw SystemError("SHA-256", number: ENOMEM) }
        defer { unsafe EVP_MD_CTX_free(context) }
        var offset: UInt64 = 0
        while true {
            let piece = try file.read(at: offset, count: 256 * 1_024)
            if piece.isEmpty { break }
            unsafe EVP_DigestUpdate(context, piece, piece.count)
            offset += UInt64(piece.count)
        }
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        guard unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1 else {
            throw SystemError("SHA-256", number: ENOMEM)
        }
        return digest
    }
}
