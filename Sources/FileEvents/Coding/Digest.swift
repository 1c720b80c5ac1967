import COpenSSL

/// A SHA-256 hash in the making.
// The context has one owner and is freed in deinit.
@safe
struct Digest: ~Copyable {
    private let context: OpaquePointer

    init() throws(SegmentError) {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        else { throw SegmentError(.library, "EVP_DigestInit_ex failed") }
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
    }

    mutating func update(_ bytes: [UInt8]) {
        _ = unsafe EVP_DigestUpdate(context, bytes, bytes.count)
    }

    /// The hash of all so far; more may follow.
    func value() throws(SegmentError) -> [UInt8] {
        guard let copy = unsafe EVP_MD_CTX_new() else {
            throw SegmentError(.library, "EVP_MD_CTX_new failed")
        }
        defer { unsafe EVP_MD_CTX_free(copy) }
        var hash = [UInt8](repeating: 0, count: 32)
        guard unsafe EVP_MD_CTX_copy_ex(copy, context) == 1, unsafe EVP_DigestFinal_ex(copy, &hash, nil) == 1
        else { throw SegmentError(.library, "EVP_DigestFinal_ex failed") }
        return hash
    }

    static func sha256(_ bytes: [UInt8]) throws(SegmentError) -> [UInt8] {
        var digest = try Digest()
        digest.update(bytes)
        return try digest.value()
    }
}
