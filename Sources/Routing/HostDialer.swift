package import Directory
package import Support

/// Connects with hosts.
package enum HostDialer {
    /// Dials a host's sshd by the directory's address, without delay and with keep-alives.
    ///
    /// - Throws: `TCPError`: refused, unreachable, timed out or no such name, in words.
    package static func dial(_ host: Host, timeout: Duration) throws(TCPError) -> Descriptor {
        let socket = try TCP.connect(
            to: TCPAddress(host: host.address, port: host.port), timeout: timeout)
        TCP.tune(socket)
        return socket
    }
}
