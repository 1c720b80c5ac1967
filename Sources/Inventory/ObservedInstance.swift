package import Directory

/// An instance as the cloud tells about it.
package struct ObservedInstance: Equatable, Sendable {
    package var id: String
    package var region: String
    package var state: InstanceState
    /// Where the gateway reaches it; a terminated instance has none.
    package var privateAddress: String?
    package var tags: [String: String]
    /// Such as `Debian GNU/Linux 12`; nil: not told.
    package var platform: String?
    /// Whether Systems Manager hears from its agent; nil: not asked.
    package var isAgentOnline: Bool?

    package init(
        id: String, region: String, state: InstanceState, privateAddress: String? = nil,
        tags: [String: String] = [:], platform: String? = nil, isAgentOnline: Bool? = nil
    ) {
        self.id = id
        self.region = region
        self.state = state
        self.privateAddress = privateAddress
        self.tags = tags
        self.platform = platform
        self.isAgentOnline = isAgentOnline
    }
}

/// What the cloud answered to one inventory.
package struct InventoryAnswer: Sendable {
    /// What one selection found.
    package struct Found: Sendable {
        package var selection: InstanceSelection
        package var instances: [ObservedInstance]

        package init(_ selection: InstanceSelection, _ instances: [ObservedInstance]) {
            self.selection = selection
            self.instances = instances
        }
    }

    package var found: [Found]
    /// The instances that are hosts, as far as the cloud told about them.
    package var known: [ObservedInstance]
    /// Ids of which the cloud says, asked by name, that there is no such instance.
    package var absent: Set<String>

    package init(found: [Found] = [], known: [ObservedInstance] = [], absent: Set<String> = []) {
        self.found = found
        self.known = known
        self.absent = absent
    }
}
