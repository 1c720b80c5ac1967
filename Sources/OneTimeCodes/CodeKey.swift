import COpenSSL

/// The key under which the directory keeps secrets of one-time codes: AES-256-GCM for secrets, HMAC-SHA-256 for recovery codes.
///
/// It lies in a file of its own, so that who reads the database or a copy of the directory alone can make no codes.
package struct CodeKey: Sendable {
    /// Bytes of the file.
    package static let byteCount = 32
    private static let nonceCount = 12
    private static let tagCount = 16

    private let sealing: [UInt8]
    private let hashing: [UInt8]

    /// The contents of the key's file.
    ///
    /// - Throws: `CodeError` for a wrong length.
    package init(_ contents: [UInt8]) throws(CodeError) {
        guard contents.count == Self.byteCount else {
            throw CodeError("the key of one-time codes has \(Self.byteCount) bytes, not \(contents.count)")
        }
        sealing = try Chance.digest(of: Array("gatehouse totp secret".utf8), key: contents)
        hashing = try Chance.digest(of: Array("gatehouse recovery code".utf8), key: contents)
    }

    /// The contents of a new file.
    ///
    /// - Throws: `CodeError`.
    package static func makeContents() throws(CodeError) -> [UInt8] { try Chance.bytes(byteCount) }

    /// What the directory keeps of a recovery code; of another user's equal code it is something else.
    func hash(ofRecoveryCode code: [UInt8], of user: String) throws(CodeError) -> [UInt8] {
        try Chance.digest(of: Array(user.utf8) + [0] + code, key: hashing)
    }

    /// Encrypts a secret for its place with one user.
    func seal(_ secret: CodeSecret, for user: String) throws(CodeError) -> [UInt8] {
        let nonce = try Chance.bytes(Self.nonceCount)
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw CodeError("no memory") }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        let associated = Array(user.utf8)
        var sealed = [UInt8](repeating: 0, count: secret.bytes.count)
        var tag = [UInt8](repeating: 0, count: Self.tagCount)
        var count: Int32 = 0
        guard unsafe EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, sealing, nonce) == 1,
            unsafe EVP_EncryptUpdate(context, nil, &count, associated, Int32(associated.count)) == 1,
            unsafe EVP_EncryptUpdate(context, &sealed, &count, secret.bytes, Int32(secret.bytes.count)) == 1,
            Int(count) == sealed.count,
            unsafe EVP_EncryptFinal_ex(context, nil, &count) == 1,
            unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1
        else { throw CodeError("AES-GCM failed") }
        return nonce + sealed + tag
    }

    /// Whether it is the key of a secret that was sealed for that user.
    package func fits(_ sealed: [UInt8], of user: String) -> Bool { (try? open(sealed, for: user)) != nil }

    /// Decrypts what `seal` made for that user.
    ///
    /// - Throws: `CodeError` for anything else: another key, another user, other bytes.
    func open(_ sealed: [UInt8], for user: String) throws(CodeError) -> CodeSecret {
        guard sealed.count == Self.nonceCount + CodeSecret.byteCount + Self.tagCount else {
            throw CodeError("a sealed secret has another length")
        }
        let nonce = Array(sealed.prefix(Self.nonceCount))
        let hidden = Array(sealed.dropFirst(Self.nonceCount).prefix(CodeSecret.byteCount))
        var tag = Array(sealed.suffix(Self.tagCount))
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw CodeError("no memory") }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        let associated = Array(user.utf8)
        var secret = [UInt8](repeating: 0, count: CodeSecret.byteCount)
        var count: Int32 = 0
        guard unsafe EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, sealing, nonce) == 1,
            unsafe EVP_DecryptUpdate(context, nil, &count, associated, Int32(associated.count)) == 1,
            unsafe EVP_DecryptUpdate(context, &secret, &count, hidden, Int32(hidden.count)) == 1,
            Int(count) == secret.count,
            unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1,
            unsafe EVP_DecryptFinal_ex(context, nil, &count) == 1
        else {
            ERR_clear_error()
            throw CodeError("the secret of '\(user)' was not sealed with this key")
        }
        return try CodeSecret(bytes: secret)
    }
}
