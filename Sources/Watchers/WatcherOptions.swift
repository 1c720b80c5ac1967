package import Support

/// What the watcher of a host is told.
package struct WatcherOptions: Equatable, Sendable {
    /// How what it saw comes to the gateway.
    package enum Way: Equatable, Sendable {
        /// The host brings it; here it reaches the gateway.
        case brought(to: TCPAddress)
        /// The gateway fetches it, from a host that does not reach the gateway.
        case fetched
    }

    package var way: Way
    /// What the spool may hold, in bytes; nil: the program's own limit.
    package var spoolLimit: UInt64?
    /// Whether processes in other mount namespaces are other machines': in a lab.
    package var isOnlyMountNamespace = false

    package init(_ way: Way) {
        self.way = way
    }

    /// The settings' file, up to the trees.
    func text(host: String) -> String {
        var text = """
            # Written by `gatehouse watch install`; changes here are lost.
            Host \(host)

            """
        switch way {
        case .brought(let gateway): text += "Gateway \(gateway)\n"
        case .fetched: text += "Fetched yes\n"
        }
        if let spoolLimit { text += "SpoolLimit \(spoolLimit)\n" }
        if isOnlyMountNamespace { text += "OnlyMountNamespace yes\n" }
        return text
    }
}
