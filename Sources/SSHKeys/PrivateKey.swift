import COpenSSL
import Support

/// An Ed25519 private key in memory.
///
/// The secret half lives inside libcrypto, which overwrites it when the last reference goes.
/// `Sendable`: nothing changes after `init`, and libcrypto's keys may be read by several threads.
// The pointer is set once, used only while self lives and freed in deinit.
@safe
package final class PrivateKey: Sendable {
    // Written once in init; libcrypto counts references and locks by itself.
    private nonisolated(unsafe) let raw: OpaquePointer

    /// The public half.
    package let publicKey: PublicKey

    /// Makes a new key.
    ///
    /// - Throws: `KeyError` with code `cryptography`.
    package static func generate(comment: String = "") throws(KeyError) -> PrivateKey {
        var seed = [UInt8](repeating: 0, count: 32)
        defer { Cryptography.clear(&seed) }
        guard unsafe RAND_priv_bytes(&seed, Int32(seed.count)) == 1 else {
            throw Cryptography.failure("RAND_priv_bytes")
        }
        return try PrivateKey(seed: seed[...], comment: comment)
    }

    /// Takes the 32 secret bytes of RFC 8032; the caller overwrites its own copy.
    init(seed: ArraySlice<UInt8>, comment: String) throws(KeyError) {
        let key = unsafe seed.withUnsafeBufferPointer {
            unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, $0.baseAddress, $0.count)
        }
        guard let key = unsafe key else { throw Cryptography.failure("EVP_PKEY_new_raw_private_key") }
        var point = [UInt8](repeating: 0, count: 32)
        var length = point.count
        guard unsafe EVP_PKEY_get_raw_public_key(key, &point, &length) == 1 else {
            unsafe EVP_PKEY_free(key)
            throw Cryptography.failure("EVP_PKEY_get_raw_public_key")
        }
        var blob = WireWriter()
        blob.string(KeyType.ed25519.rawValue)
        blob.data(point)
        do {
            publicKey = try PublicKey(blob: blob.bytes, comment: comment)
        } catch {
            unsafe EVP_PKEY_free(key)
            throw error
        }
        unsafe raw = key
    }

    deinit {
        unsafe EVP_PKEY_free(raw)
    }

    /// Signs a message: a signature blob of RFC 8709 (`ssh-ed25519`, 64 bytes).
    ///
    /// - Throws: `KeyError` with code `cryptography`.
    package func sign(_ message: [UInt8]) throws(KeyError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw Cryptography.failure("EVP_MD_CTX_new") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var length = signature.count
        guard unsafe EVP_DigestSignInit(context, nil, nil, nil, raw) == 1,
            unsafe EVP_DigestSign(context, &signature, &length, message, message.count) == 1, length == 64
        else { throw Cryptography.failure("EVP_DigestSign") }
        var out = WireWriter()
        out.string(KeyType.ed25519.rawValue)
        out.data(signature)
        return out.bytes
    }

    /// Calls `body` with the 32 secret bytes, and overwrites them afterwards.
    func withSeed(_ body: (UnsafeRawBufferPointer) -> Void) throws(KeyError) {
        var seed = [UInt8](repeating: 0, count: 32)
        defer { Cryptography.clear(&seed) }
        var length = seed.count
        guard unsafe EVP_PKEY_get_raw_private_key(raw, &seed, &length) == 1, length == 32 else {
            throw Cryptography.failure("EVP_PKEY_get_raw_private_key")
        }
        unsafe seed.withUnsafeBytes { unsafe body($0) }
    }
}
