/// What is offered and accepted on both legs, best first, in libssh's comma-separated form.
///
/// Nothing with SHA-1 signatures, CBC, MD5, codes of the plain text, groups below 3072 bits or NIST's curves: what `ssh-audit` finds no fault
/// with, but for the one that libssh cannot mend. AES-GCM stands before ChaCha20: with AES instructions it costs 0.7 times as much.
/// libssh 0.10 has no post-quantum key exchange.
package enum Algorithms {
    /// Key exchanges, the one to prefer first, as libssh wants them: with commas.
    package static let keyExchanges =
        "curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512"

    /// Ciphers, both ways, the one to prefer first.
    package static let ciphers =
        "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
        + "aes256-ctr,aes192-ctr,aes128-ctr"

    /// Codes that authenticate packets, for ciphers that do not do so themselves.
    package static let authenticationCodes =
        "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"

    /// Signature algorithms for the public keys of users, and for certificates of such keys.
    package static let userKeys =
        "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
        + "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256,"
        + "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
        + "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
        + "sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"
        + "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com"

    /// The signature algorithms that a host key of this type can make; nil for a type that is not accepted.
    package static func hostKeyAlgorithms(forType type: String) -> String? {
        switch type {
        case "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521": type
        case "ssh-rsa": "rsa-sha2-512,rsa-sha2-256"
        default: nil
        }
    }
}
