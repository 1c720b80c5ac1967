import CLibSSH
import Support

/// A fresh Ed25519 key pair for one login, which never leaves this process.
@safe
package final class SessionKey {
    let raw: ssh_key

    /// The public key's blob (RFC 8709 section 4).
    package let publicKey: [UInt8]

    /// Makes a new pair.
    ///
    /// - Throws: `SSHError` with `.outOfMemory`.
    package init() throws(SSHError) {
        var key: ssh_key?
        guard unsafe ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK, let key = unsafe key else {
            throw SSHError(.outOfMemory, "ssh_pki_generate failed")
        }
        unsafe raw = key
        guard let blob = unsafe publicBlob(of: key) else {
            unsafe ssh_key_free(key)
            throw SSHError(.outOfMemory, "ssh_pki_export_pubkey_base64 failed")
        }
        publicKey = blob
    }

    deinit {
        unsafe ssh_key_free(raw)
    }

    /// Joins the certificate that was made for this key.
    ///
    /// - certificate: an `ssh-ed25519-cert-v01@openssh.com` blob.
    /// - Throws: `SSHError` with `.badCertificate`.
    package func attach(certificate: [UInt8]) throws(SSHError) {
        var imported: ssh_key?
        let text = Base64.encode(certificate)
        guard unsafe ssh_pki_import_cert_base64(text, SSH_KEYTYPE_ED25519_CERT01, &imported) == SSH_OK,
            let imported = unsafe imported
        else { throw SSHError(.badCertificate, "the certificate cannot be read") }
        defer { unsafe ssh_key_free(imported) }
        guard unsafe ssh_pki_copy_cert_to_privkey(imported, raw) == SSH_OK else {
            throw SSHError(.badCertificate, "the certificate does not fit the key")
        }
    }
}

/// The blob of a key's public half, of the whole certificate for a certificate; nil if libssh cannot export it.
func publicBlob(of key: ssh_key) -> [UInt8]? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe ssh_pki_export_pubkey_base64(key, &text) == SSH_OK, let text = unsafe text else {
        return nil
    }
    defer { unsafe ssh_string_free_char(text) }
    return unsafe Base64.decode(String(cString: text))
}
