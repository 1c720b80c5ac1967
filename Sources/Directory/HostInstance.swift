package import Support

/// How the cloud says that an instance is.
package enum InstanceState: String, Sendable, CaseIterable {
    case pending, running, stopping, stopped, terminated
    case shuttingDown = "shutting-down"
    /// Nobody has asked yet, or the answer was none of these words.
    case unknown

    /// Whether there is nothing to connect to, for certain.
    package var isDown: Bool {
        switch self {
        case .stopping, .stopped, .shuttingDown, .terminated: true
        case .pending, .running, .unknown: false
        }
    }

    /// Whether it is gone for good.
    package var isGone: Bool { self == .terminated || self == .shuttingDown }
}

/// The instance of EC2 that a host is, as it was last seen.
package struct HostInstance: Equatable, Sendable {
    /// Such as `i-0123456789abcdef0`; no two hosts have the same.
    package var id: String
    /// nil: the one that the gateway is set up for.
    package var region: String?
    package var state: InstanceState
    /// When the cloud last told about it; nil: never.
    package var lastSeen: Timestamp?
    /// Such as `Debian GNU/Linux 12`; nil: not known.
    package var platform: String?
    /// The pool that it was put into because of a tag.
    package var taggedPool: String?
    /// Whether Systems Manager hears from its agent; nil: nobody has asked yet.
    package var isAgentOnline: Bool?
    /// Fingerprints of the host keys that it really has, where they are not those that are pinned.
    package var otherKeys: [String]
    /// The private address that the cloud last told; where the host has another, somebody chose that.
    package var address: String?

    package init(
        id: String, region: String? = nil, state: InstanceState = .unknown, lastSeen: Timestamp? = nil,
        platform: String? = nil, taggedPool: String? = nil, isAgentOnline: Bool? = nil,
        otherKeys: [String] = [], address: String? = nil
    ) {
        self.id = id
        self.region = region
        self.state = state
        self.lastSeen = lastSeen
        self.platform = platform
        self.taggedPool = taggedPool
        self.isAgentOnline = isAgentOnline
        self.otherKeys = otherKeys
        self.address = address
    }
}

/// On which way the accounts of a host are made.
package enum AccountRoute: String, Sendable, CaseIterable {
    /// Over SSM where the host is an instance, else over SSH.
    case automatic
    /// By Run Command of AWS Systems Manager.
    case ssm
    /// Over SSH, as root.
    case ssh
    /// The host is the gateway's own machine.
    case local
}

/// On which way sessions reach a host.
package enum HostTransport: String, Sendable, CaseIterable {
    /// Over the network, and where that fails and the host is an instance, through Session Manager.
    case automatic
    /// Over the network only.
    case direct
    /// Through Session Manager only: the host needs no open port.
    case ssm
}
