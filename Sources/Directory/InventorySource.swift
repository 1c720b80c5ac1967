package import Support

/// How imported hosts get their names.
package enum HostNaming: String, Sendable, CaseIterable {
    /// By the tag `Name`, or by the id where there is none.
    case tag
    /// By the id of the instance.
    case id
}

/// Which instances of the cloud are to be hosts.
package struct InstanceSelection: Equatable, Hashable, Sendable {
    /// A tag that an instance must have.
    package struct Tag: Equatable, Hashable, Sendable {
        package var key: String
        /// One of several with the same key is enough; `*` and `?` are wildcards.
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Sorted, without doubles; one of each key must fit.
    package let tags: [Tag]
    /// Ids, sorted, without doubles; with them there are no tags.
    package let instances: [String]
    /// The tag whose value is the pool that the host joins; an instance without it is not selected.
    package let poolTag: String?
    package let naming: HostNaming

    package init(
        tags: [Tag] = [], instances: [String] = [], poolTag: String? = nil, naming: HostNaming = .tag
    ) {
        self.tags = Set(tags).sorted { ($0.key, $0.value) < ($1.key, $1.value) }
        self.instances = Set(instances).sorted()
        self.poolTag = poolTag
        self.naming = naming
    }
}

/// A selection that was imported and is asked for again.
package struct InventorySource: Equatable, Sendable {
    package let id: Int64
    package let region: String
    package let selection: InstanceSelection
    package let created: Timestamp

    package init(id: Int64, region: String, selection: InstanceSelection, created: Timestamp) {
        self.id = id
        self.region = region
        self.selection = selection
        self.created = created
    }
}

/// What the cloud told about one host, to be taken in.
package struct HostUpdate: Equatable, Sendable {
    package var host: String
    /// Whether the host is to be made.
    package var isNew = false
    /// Where it is from now on; nil: stays.
    package var address: String?
    package var instance: HostInstance
    /// Whether the pinned keys are those of another machine.
    package var dropsKeys = false
    /// The pool that it leaves, if it is there.
    package var leaves: String?
    /// The pool that it joins, which is made if there is none.
    package var joins: String?

    package init(host: String, instance: HostInstance) {
        self.host = host
        self.instance = instance
    }
}

/// What the keys that an instance says it has are to the directory.
package enum HostKeyFinding: Equatable, Sendable {
    /// There were none; now these are pinned.
    case pinned
    /// Those that are pinned are among them.
    case confirmed
    /// Others than those that are pinned, which stay; `isNews`: nobody knew that.
    case different(isNews: Bool)
    /// The host is another instance by now, or gone.
    case outdated
}

/// What an inventory is held against, all of one moment.
package struct InventoryView: Sendable {
    package var generation: Int64
    package var hosts: [Host]
    /// Names.
    package var pools: Set<String>
    /// Ids of instances whose hosts somebody removed, with the hosts' names.
    package var removed: [String: String]
    package var sources: [InventorySource]

    package init(
        generation: Int64 = 0, hosts: [Host] = [], pools: Set<String> = [], removed: [String: String] = [:],
        sources: [InventorySource] = []
    ) {
        self.generation = generation
        self.hosts = hosts
        self.pools = pools
        self.removed = removed
        self.sources = sources
    }
}
