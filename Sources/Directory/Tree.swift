package import Support

/// A shared folder that the book knows: the same path on each host that has it.
package struct Tree: Equatable, Sendable {
    /// Absolute, without `.`, `..`, empty parts and a slash at the end.
    package let path: String
    /// Who works in it together; nil: whoever its permissions let in.
    package let group: Group?
    /// The hosts and pools that have it, by name, as they were given.
    package let targets: [String]
    /// The hosts that have it, by name, each once.
    package let hosts: [String]
    /// The host that was chosen to walk it; see `scanner`.
    package let chosenScanner: String?
    package let created: Timestamp

    package init(
        path: String, group: Group?, targets: [String], hosts: [String], chosenScanner: String?,
        created: Timestamp
    ) {
        self.path = path
        self.group = group
        self.targets = targets
        self.hosts = hosts
        self.chosenScanner = chosenScanner
        self.created = created
    }

    /// The host that walks it: the chosen one as long as it has the tree, else the first.
    package var scanner: String? {
        if let chosenScanner, hosts.contains(chosenScanner) { return chosenScanner }
        return hosts.first
    }

    /// Whether a path is that of the tree or lies below it.
    package func holds(_ path: String) -> Bool { Self.isWithin(path, self.path) }

    /// Whether `path` is `folder` or lies below it; both absolute and plain.
    static func isWithin(_ path: String, _ folder: String) -> Bool {
        path == folder || path.utf8.starts(with: (folder + "/").utf8)
    }
}

/// A tree to be added.
package struct NewTree: Sendable {
    package var path: String
    /// A shared group's name.
    package var group: String?
    /// Hosts and pools, by name; one at least.
    package var targets: [String]
    /// One of the hosts; nil: the first of them.
    package var scanner: String?

    package init(_ path: String, group: String? = nil, targets: [String], scanner: String? = nil) {
        self.path = path
        self.group = group
        self.targets = targets
        self.scanner = scanner
    }
}

/// The key with which the watcher of a host signs and delivers what it saw.
package struct WatchKey: Equatable, Sendable {
    /// The host's name.
    package let host: String
    package let material: KeyMaterial
    /// When the watcher was installed with this key.
    package let installed: Timestamp
    /// Whether the gateway fetches what waits there; else the host brings it.
    package let isFetched: Bool

    package init(host: String, material: KeyMaterial, installed: Timestamp, isFetched: Bool = false) {
        self.host = host
        self.material = material
        self.installed = installed
        self.isFetched = isFetched
    }
}
