package import Support

/// What the watcher of a host is told.
package struct WatcherOptions: Equatable, Sendable {
    /// Where the host reaches the gateway.
    package var gateway: TCPAddress
    /// What the spool may hold, in bytes; nil: the program's own limit.
    package var spoolLimit: UInt64?
    /// Whether processes in other mount namespaces are other machines': in a lab.
    package var isOnlyMountNamespace = false

    package init(gateway: TCPAddress) {
        self.gateway = gateway
    }

    /// The settings' file, up to the trees.
    func text(host: String) -> String {
        var text = """
            # Written by `gatehouse watch install`; changes here are lost.
            Host \(host)
            Gateway \(gateway)

            """
        if let spoolLimit { text += "SpoolLimit \(spoolLimit)\n" }
        if isOnlyMountNamespace { text += "OnlyMountNamespace yes\n" }
        return text
    }
}
