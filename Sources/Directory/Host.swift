package import Support

/// Whether a host takes sessions.
package enum HostState: String, Sendable, CaseIterable {
    case active
    /// Nobody is let in.
    case disabled
}

/// A machine to which people go.
package struct Host: Equatable, Sendable {
    package let name: String
    /// A DNS name or an IP address, without brackets.
    package let address: String
    package let port: UInt16
    /// The keys one of which the host must prove to have; with none, nobody connects.
    package let keys: [KeyMaterial]
    package let state: HostState
    package let added: Timestamp

    package init(
        name: String, address: String, port: UInt16 = 22, keys: [KeyMaterial], state: HostState = .active,
        added: Timestamp
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.keys = keys
        self.state = state
        self.added = added
    }
}

/// Hosts that are as good as each other.
package struct Pool: Equatable, Sendable {
    package let name: String
    /// Names, sorted.
    package let hosts: [String]
    package let created: Timestamp

    package init(name: String, hosts: [String], created: Timestamp) {
        self.name = name
        self.hosts = hosts
        self.created = created
    }
}
