package import Support

/// A choice of instances: those where `name` (`tag:Pool`, `instance-state-name`) is one of `values`; `*` and `?` are wildcards.
package struct EC2Filter: Equatable, Sendable {
    package let name: String
    package let values: [String]

    package init(_ name: String, _ values: [String]) {
        self.name = name
        self.values = values
    }
}

/// A virtual machine of EC2.
package struct EC2Instance: Equatable, Sendable {
    package enum State: String, Sendable, CaseIterable {
        case pending, running, stopping, stopped, terminated
        case shuttingDown = "shutting-down"
        /// A word that this version does not know.
        case unknown
    }

    package let id: String
    package let state: State

    /// Such as `m7g.large`.
    package let type: String?
    package let imageID: String?
    package let launchTime: Timestamp?
    package let privateAddress: String?
    package let publicAddress: String?
    package let ipv6Address: String?
    package let privateName: String?
    package let availabilityZone: String?
    package let networkID: String?
    package let subnetID: String?
    package let tags: [String: String]
    /// Why it is in its state, such as `Server.InsufficientInstanceCapacity: …`; nil: EC2 does not say.
    package let stateReason: String?

    /// The tag `Name`.
    package var name: String? { tags["Name"] }

    package init(
        id: String, state: State, type: String? = nil, imageID: String? = nil, launchTime: Timestamp? = nil,
        privateAddress: String? = nil, publicAddress: String? = nil, ipv6Address: String? = nil,
        privateName: String? = nil, availabilityZone: String? = nil, networkID: String? = nil,
        subnetID: String? = nil, tags: [String: String] = [:],
        stateReason: String? = nil
    ) {
        self.id = id
        self.state = state
        self.type = type
        self.imageID = imageID
        self.launchTime = launchTime
        self.privateAddress = privateAddress
        self.publicAddress = publicAddress
        self.ipv6Address = ipv6Address
        self.privateName = privateName
        self.availabilityZone = availabilityZone
        self.networkID = networkID
        self.subnetID = subnetID
        self.tags = tags
        self.stateReason = stateReason
    }
}

/// What starting or stopping did to an instance.
package struct EC2StateChange: Equatable, Sendable {
    package let id: String
    package let previous: EC2Instance.State
    package let current: EC2Instance.State

    package init(id: String, previous: EC2Instance.State, current: EC2Instance.State) {
        self.id = id
        self.previous = previous
        self.current = current
    }
}
