import CLibSSH
import Glibc
package import Support

/// The server's side of a client's connection.
@safe
package final class ServerTransport: Transport {
    /// Takes a connected socket; the handshake has not begun.
    ///
    /// - hostKeys: private keys in OpenSSH's format, without passphrase; at least one.
    /// - rekeyBytes: bytes after which new keys are made; 0 leaves libssh's own limits.
    /// - methods: by which a client can begin, as RFC 4252 names them.
    /// - Throws: `SSHError` with `.badHostKey`, `.badOption` or `.outOfMemory`.
    package init(
        serving descriptor: Descriptor, hostKeys: [String], rekeyBytes: UInt64,
        methods: [String] = ["publickey"]
    ) throws(SSHError) {
        try super.init(descriptor: descriptor)
        guard let bind = unsafe ssh_bind_new() else { throw SSHError(.outOfMemory, "ssh_bind_new failed") }
        defer { unsafe ssh_bind_free(bind) }

        func set(_ option: ssh_bind_options_e, _ value: UnsafeRawPointer) throws(SSHError) {
            guard unsafe ssh_bind_options_set(bind, option, value) == 0 else {
                throw SSHError(.badOption, "server option \(option.rawValue) was refused")
            }
        }
        func set(_ option: ssh_bind_options_e, text: String) throws(SSHError) {
            let copy = unsafe strdup(text)
            defer { unsafe free(copy) }
            guard let copy = unsafe copy else { throw SSHError(.outOfMemory, "strdup failed") }
            try unsafe set(option, copy)
        }

        var readsFiles = false
        try unsafe set(SSH_BIND_OPTIONS_PROCESS_CONFIG, &readsFiles)
        for text in hostKeys {
            var key: ssh_key?
            guard unsafe ssh_pki_import_privkey_base64(text, nil, nil, nil, &key) == SSH_OK,
                let key = unsafe key
            else {
                throw SSHError(.badHostKey, "a host key of the gateway cannot be read")
            }
            // The bind object takes the key over, also when it refuses it.
            try unsafe set(SSH_BIND_OPTIONS_IMPORT_KEY, UnsafeRawPointer(key))
        }
        // A client of OpenSSH sends eow@openssh.com only to a server that looks like OpenSSH; without it
        // `ssh gateway yes | head -1` would hang.
        try set(SSH_BIND_OPTIONS_BANNER, text: "OpenSSH_9.2 Gatehouse")
        try set(SSH_BIND_OPTIONS_KEY_EXCHANGE, text: Algorithms.keyExchanges)
        try set(SSH_BIND_OPTIONS_CIPHERS_C_S, text: Algorithms.ciphers)
        try set(SSH_BIND_OPTIONS_CIPHERS_S_C, text: Algorithms.ciphers)
        try set(SSH_BIND_OPTIONS_HMAC_C_S, text: Algorithms.authenticationCodes)
        try set(SSH_BIND_OPTIONS_HMAC_S_C, text: Algorithms.authenticationCodes)
        try set(SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, text: Algorithms.userKeys)
        try setCommonOptions(rekeyBytes: rekeyBytes)

        // libssh closes the descriptor it is given: it gets one of its own.
        let own: Int32
        do { own = try SystemError.check(dup(descriptor.number), "dup") } catch {
            throw SSHError(.outOfMemory, "\(error)")
        }
        guard unsafe ssh_bind_accept_fd(bind, session, own) == SSH_OK else {
            throw SSHError(.outOfMemory, "ssh_bind_accept_fd failed")
        }
        unsafe ssh_set_blocking(session, 0)
        let bits = methods.reduce(0) { $0 | Self.bit(ofMethod: $1) }
        unsafe ssh_set_auth_methods(session, Int32(bits))
    }

    /// Goes on with the key exchange.
    ///
    /// - Throws: `SSHError` with `.handshake`.
    package func handshake() throws(SSHError) -> Progress {
        switch unsafe ssh_handle_key_exchange(session) {
        case SSH_OK: return .done
        case SSH_AGAIN: return .again
        default: throw SSHError(.handshake, errorText)
        }
    }

    /// The client's version string, such as `SSH-2.0-OpenSSH_9.2`.
    package var clientVersion: String {
        guard let text = unsafe ssh_get_clientbanner(session) else { return "" }
        return unsafe String(cString: text).printable
    }

    /// Whether the client is OpenSSH's, which sends `eow@openssh.com`.
    package var clientIsOpenSSH: Bool {
        clientVersion.hasPrefix("SSH-2.0-OpenSSH")
    }

    /// libssh's bit for a method of RFC 4252; none for one that Gatehouse has not.
    static func bit(ofMethod method: String) -> UInt32 {
        switch method {
        case "publickey": UInt32(SSH_AUTH_METHOD_PUBLICKEY)
        case "password": UInt32(SSH_AUTH_METHOD_PASSWORD)
        case "keyboard-interactive": UInt32(SSH_AUTH_METHOD_INTERACTIVE)
        default: 0
        }
    }

    /// Shows a text before authentication (RFC 4252 section 5.4).
    package func sendBanner(_ text: String) {
        guard let string = unsafe ssh_string_from_char(text) else { return }
        defer { unsafe ssh_string_free(string) }
        unsafe ssh_send_issue_banner(session, string)
    }
}
