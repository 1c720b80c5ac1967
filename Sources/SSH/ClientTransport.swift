import CLibSSH
import Glibc
package import Support

/// The client's side of a connection to a host.
@safe
package final class ClientTransport: Transport {
    /// Takes a connected socket; the handshake has not begun.
    ///
    /// - user: whom to log in as.
    /// - hostKeyTypes: types of the pinned keys, so that the host shows one of them; empty accepts any.
    /// - Throws: `SSHError` with `.badOption` or `.outOfMemory`.
    package init(
        connecting descriptor: Descriptor, user: String, hostKeyTypes: [String], rekeyBytes: UInt64
    ) throws(SSHError) {
        try super.init(descriptor: descriptor)
        try setCommonOptions(rekeyBytes: rekeyBytes)
        // The name is only for libssh's books, which are closed: no files are read, the key is pinned.
        try set(SSH_OPTIONS_HOST, "host")
        try set(SSH_OPTIONS_USER, user)
        try set(SSH_OPTIONS_SSH_DIR, "/dev/null")
        try set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null")
        try set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null")
        try set(SSH_OPTIONS_KEY_EXCHANGE, Algorithms.keyExchanges)
        try set(SSH_OPTIONS_CIPHERS_C_S, Algorithms.ciphers)
        try set(SSH_OPTIONS_CIPHERS_S_C, Algorithms.ciphers)
        try set(SSH_OPTIONS_HMAC_C_S, Algorithms.authenticationCodes)
        try set(SSH_OPTIONS_HMAC_S_C, Algorithms.authenticationCodes)
        let algorithms = hostKeyTypes.compactMap(Algorithms.hostKeyAlgorithms(forType:))
        if !algorithms.isEmpty { try set(SSH_OPTIONS_HOSTKEYS, algorithms.joined(separator: ",")) }
        // libssh does not close a descriptor that it was given this way.
        try set(SSH_OPTIONS_FD, number: descriptor.number)
    }

    /// Goes on with the key exchange.
    ///
    /// - Throws: `SSHError` with `.handshake`.
    package func connect() throws(SSHError) -> Progress {
        switch unsafe ssh_connect(session) {
        case SSH_OK: return .done
        case SSH_AGAIN: return .again
        default: throw SSHError(.handshake, errorText)
        }
    }

    /// The blob of the key with which the host signed the key exchange.
    ///
    /// - Throws: `SSHError` with `.badHostKey`.
    package func hostKey() throws(SSHError) -> [UInt8] {
        var key: ssh_key?
        guard unsafe ssh_get_server_publickey(session, &key) == SSH_OK, let key = unsafe key else {
            throw SSHError(.badHostKey, errorText)
        }
        defer { unsafe ssh_key_free(key) }
        guard let blob = unsafe publicBlob(of: key) else {
            throw SSHError(.badHostKey, "the host's key cannot be read")
        }
        return blob
    }

    /// Goes on with the login by public key.
    ///
    /// - Throws: `SSHError` with `.loginRefused` or `.connectionLost`.
    package func logIn(with key: SessionKey) throws(SSHError) -> Progress {
        let result = unsafe ssh_userauth_publickey(session, nil, key.raw)
        switch result {
        case Int32(SSH_AUTH_SUCCESS.rawValue): return .done
        case Int32(SSH_AUTH_AGAIN.rawValue): return .again
        case Int32(SSH_AUTH_DENIED.rawValue), Int32(SSH_AUTH_PARTIAL.rawValue):
            throw SSHError(.loginRefused, "the host refused the certificate")
        default: throw SSHError(.connectionLost, errorText)
        }
    }

    /// Goes on with asking the host to listen on a port for us (RFC 4254 section 7.1).
    ///
    /// One global request at a time: call with the same values until it is not `.again`.
    /// - Parameter port: not 0, for libssh does not tell reliably which port the host then chose.
    package func listen(address: String, port: UInt16) -> Progress {
        switch unsafe ssh_channel_listen_forward(session, address, Int32(port), nil) {
        case SSH_OK: .done
        case SSH_AGAIN: .again
        default: .refused
        }
    }

    /// Goes on with asking the host to stop listening.
    package func stopListening(address: String, port: UInt16) -> Progress {
        switch unsafe ssh_channel_cancel_forward(session, address, Int32(port)) {
        case SSH_OK: .done
        case SSH_AGAIN: .again
        default: .refused
        }
    }
}
