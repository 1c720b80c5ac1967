import COpenSSL

/// A SHA-256 hash in the making (FIPS 180-4), by libcrypto.
// The context has one owner and is freed in deinit.
@safe
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    /// The hash of nothing yet.
    package init() {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        else { fatalError("libcrypto has no memory or no SHA-256") }
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
    }

    /// Adds bytes.
    package mutating func update(_ bytes: [UInt8]) {
        update(bytes[...])
    }

    /// Adds bytes.
    package mutating func update(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            _ = unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
        }
    }

    /// The hash of all so far, 32 bytes; more may follow.
    package func value() -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: 32)
        guard let copy = unsafe EVP_MD_CTX_new() else { fatalError("libcrypto has no memory") }
        defer { unsafe EVP_MD_CTX_free(copy) }
        guard unsafe EVP_MD_CTX_copy_ex(copy, context) == 1, unsafe EVP_DigestFinal_ex(copy, &hash, nil) == 1
        else { fatalError("libcrypto has no memory") }
        return hash
    }

    /// The hash of these bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = SHA256()
        digest.update(bytes)
        return digest.value()
    }
}
