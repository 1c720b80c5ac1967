internal import COpenSSL

/// The encryption of a session that asks for a KMS key: AES-256-GCM with a random nonce before and the tag after the text.
struct ChannelCipher: Sendable {
    /// Bytes of a data key: the first half decrypts here, the second encrypts.
    static let keyByteCount = 64
    private static let nonceByteCount = 12
    private static let tagByteCount = 16

    private let decryptionKey: [UInt8]
    private let encryptionKey: [UInt8]

    /// - Throws: `ChannelError` with code `encryption` for a key of another length.
    init(dataKey: [UInt8]) throws(ChannelError) {
        guard dataKey.count == Self.keyByteCount else {
            throw ChannelError(
                .encryption, "the data key of the session has \(dataKey.count) bytes and not 64")
        }
        decryptionKey = Array(dataKey.prefix(Self.keyByteCount / 2))
        encryptionKey = Array(dataKey.suffix(Self.keyByteCount / 2))
    }

    /// - Throws: `ChannelError` with code `encryption`.
    func encrypt(_ text: [UInt8]) throws(ChannelError) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: Self.nonceByteCount)
        var output = [UInt8](repeating: 0, count: text.count)
        var tag = [UInt8](repeating: 0, count: Self.tagByteCount)
        let isDone = unsafe withContext { context in
            var count: Int32 = 0
            var rest: Int32 = 0
            return unsafe RAND_bytes(&nonce, Int32(nonce.count)) == 1
                && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, encryptionKey, nonce) == 1
                && EVP_EncryptUpdate(context, &output, &count, text, Int32(text.count)) == 1
                && EVP_EncryptFinal_ex(context, nil, &rest) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, Int32(tag.count), &tag) == 1
        }
        guard isDone else { throw ChannelError(.encryption, "libcrypto does not encrypt") }
        return nonce + output + tag
    }

    /// - Throws: `ChannelError` with code `encryption` for what was not made with the key.
    func decrypt(_ bytes: [UInt8]) throws(ChannelError) -> [UInt8] {
        let overhead = Self.nonceByteCount + Self.tagByteCount
        guard bytes.count >= overhead else {
            throw ChannelError(.encryption, "an encrypted message of the session is too short")
        }
        let nonce = Array(bytes.prefix(Self.nonceByteCount))
        let text = Array(bytes.dropFirst(Self.nonceByteCount).dropLast(Self.tagByteCount))
        var tag = Array(bytes.suffix(Self.tagByteCount))
        var output = [UInt8](repeating: 0, count: text.count)
        let isGenuine = unsafe withContext { context in
            var count: Int32 = 0
            var rest: Int32 = 0
            return unsafe EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, decryptionKey, nonce) == 1
                && EVP_DecryptUpdate(context, &output, &count, text, Int32(text.count)) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, Int32(tag.count), &tag) == 1
                && EVP_DecryptFinal_ex(context, nil, &rest) == 1
        }
        guard isGenuine else {
            throw ChannelError(.encryption, "a message of the session was not encrypted with its key")
        }
        return output
    }

    private func withContext(_ body: (OpaquePointer) -> Bool) -> Bool {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { return false }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        return unsafe body(context)
    }
}
