import COpenSSL

/// What lies below libssh, for a process that speaks SSH once and ends.
package enum Library {
    /// Makes the start of cryptography cheap; call before anything else of this module.
    ///
    /// OpenSSL then reads no configuration file, and does not list the old names of all its ciphers and digests, which libssh asks for by
    /// their own functions.
    package static func prepare() {
        let options = UInt64(
            OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS)
        _ = OPENSSL_init_crypto(options, nil)
    }
}
