/// How the gateway becomes root on a host over SSH.
package enum RootAccess {
    /// The principal of certificates for root on one host. Each host lets in its own only, so what was signed for one opens no
    /// other.
    ///
    /// - Parameter host: its name in the directory.
    package static func principal(on host: String) -> String { "gatehouse-root@\(host)" }

    /// The principal of certificates with which the gateway fetches what the watcher of one host saw, and brings it its program. They
    /// open nothing else.
    ///
    /// - Parameter host: its name in the directory.
    package static func fetchPrincipal(on host: String) -> String { "gatehouse-fetch@\(host)" }
}
