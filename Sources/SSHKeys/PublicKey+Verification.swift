import COpenSSL
import Support

extension PublicKey {
    /// Whether `signature` (RFC 8709) of `message` was made with this key; Ed25519 only, false for every other kind.
    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        var input = WireReader(signature)
        guard type == .ed25519, (try? input.string()) == KeyType.ed25519.rawValue,
            let value = try? input.data(), value.count == 64, input.remaining == 0
        else { return false }
        let point = Array(blob.suffix(32))
        guard let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, point, point.count) else {
            ERR_clear_error()
            return false
        }
        defer { unsafe EVP_PKEY_free(key) }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, value, value.count, message, message.count) == 1
    }
}
