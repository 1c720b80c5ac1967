import COpenSSL

/// The few operations of libcrypto that keys need.
enum Cryptography {
    /// EVP_PKEY_PUBLIC_KEY, which Swift cannot import.
    private static let publicKey =
        OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS
        | OSSL_KEYMGMT_SELECT_OTHER_PARAMETERS

    /// OSSL_PKEY_PARAM_GROUP_NAME and OSSL_PKEY_PARAM_PUB_KEY: parameters keep the pointer to their name.
    private static let groupParameter: StaticString = "group"
    private static let pointParameter: StaticString = "pub"

    /// A literal as a C string that is there for good.
    private static func name(_ literal: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    /// The key of an uncompressed point, which may lie beside the curve; the caller frees it. nil: libcrypto takes no such thing.
    static func publicKey(atPoint point: [UInt8], onCurve group: String) -> OpaquePointer? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
        defer {
            unsafe EVP_PKEY_CTX_free(context)
            ERR_clear_error()
        }
        var group = Array(group.utf8CString)
        var bytes = point
        var key: OpaquePointer?
        let made = unsafe group.withUnsafeMutableBufferPointer { group in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                var parameters = unsafe [
                    OSSL_PARAM_construct_utf8_string(name(groupParameter), group.baseAddress, 0),
                    OSSL_PARAM_construct_octet_string(
                        name(pointParameter), bytes.baseAddress, bytes.count),
                    OSSL_PARAM_construct_end(),
                ]
                return unsafe EVP_PKEY_fromdata_init(context) == 1
                    && EVP_PKEY_fromdata(context, &key, publicKey, &parameters) == 1
            }
        }
        if made { return unsafe key }
        unsafe EVP_PKEY_free(key)
        return nil
    }

    /// Whether an uncompressed point lies on a curve and is not its neutral element.
    static func isPoint(_ point: [UInt8], onCurve group: String) -> Bool {
        guard let key = unsafe publicKey(atPoint: point, onCurve: group) else { return false }
        defer {
            unsafe EVP_PKEY_free(key)
            ERR_clear_error()
        }
        guard let check = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(check) }
        return unsafe EVP_PKEY_public_check(check) == 1
    }

    /// Bytes of the generator for public values.
    ///
    /// - Throws: `KeyError` with code `cryptography`.
    static func randomBytes(_ count: Int) throws(KeyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe RAND_bytes(&bytes, Int32(count)) == 1 else { throw failure("RAND_bytes") }
        return bytes
    }

    /// Overwrites bytes that were secret; the array must have no other owner, or a copy is overwritten.
    static func clear(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    static func failure(_ call: String) -> KeyError {
        let number = ERR_get_error()
        ERR_clear_error()
        return KeyError(.cryptography, "\(call) failed with error \(number) of libcrypto")
    }
}
