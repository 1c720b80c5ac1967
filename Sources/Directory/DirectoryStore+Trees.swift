package import Support

extension DirectoryStore {
    /// Trees by path.
    package func trees() throws -> [Tree] {
        try read { try $0.trees() }
    }

    /// - Throws: `DirectoryError` `.notFound`.
    package func tree(_ path: String) throws -> Tree {
        try read { try $0.tree(path) }
    }

    /// The tree that a path lies in; nil when there is none.
    package func tree(holding path: String) throws -> Tree? {
        try read { try $0.trees().first { $0.holds(path) } }
    }

    /// The trees that a host has, by path.
    package func trees(on host: String) throws -> [Tree] {
        try read { try $0.trees().filter { $0.hosts.contains(host) } }
    }

    /// Makes a tree known; nothing is made on a host.
    ///
    /// - Throws: `DirectoryError` `.invalidField` for a path that is none, `.nameTaken` for one that lies in another tree or around
    ///   it, `.notFound` for a group, host or pool, `.conflict` for a scanner without the tree.
    @discardableResult
    package func addTree(_ tree: NewTree, at time: Timestamp = .now) throws -> Tree {
        try Self.requireTargets(tree.targets)
        return try change { try $0.addTree(tree, at: time) }
    }

    /// Says anew which hosts have the tree, which of them walks it, or both; nil: as it was.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.invalidField`, `.conflict` for a scanner without the tree.
    @discardableResult
    package func setTree(_ path: String, targets: [String]? = nil, scanner: String? = nil) throws -> Tree {
        if let targets { try Self.requireTargets(targets) }
        return try change { tables in
            if let targets { try tables.setTargets(targets, of: path) }
            if let scanner { try tables.setScanner(scanner, of: path) }
            return try tables.tree(path)
        }
    }

    /// Afterwards a tree may lose its last host: when the host is removed.
    private static func requireTargets(_ targets: [String]) throws(DirectoryError) {
        guard targets.isEmpty else { return }
        throw DirectoryError(.invalidField, "a tree is on one host at least", hint: "name hosts or pools")
    }

    /// Forgets a tree; its files are not touched.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removeTree(_ path: String) throws {
        try change { try $0.removeTree(path) }
    }

    // MARK: Watchers

    /// The keys of installed watchers, by host.
    package func watchKeys() throws -> [WatchKey] {
        try read { try $0.watchKeys() }
    }

    /// The key of a host's watcher; nil where none is installed.
    package func watchKey(of host: String) throws -> WatchKey? {
        try read { try $0.watchKey(of: host) }
    }

    /// Lets the watcher of a host deliver with this key, and no other.
    ///
    /// - Parameter isFetched: whether the gateway fetches it; nil: as it was, and a new one is not fetched.
    /// - Throws: `DirectoryError` `.notFound`, `.invalidKey`, `.keyTaken` for a key of another host or of a user.
    package func setWatchKey(
        _ key: KeyMaterial, of host: String, isFetched: Bool? = nil, at time: Timestamp = .now
    ) throws {
        try change { try $0.setWatchKey(key, of: host, isFetched: isFetched, at: time) }
    }

    /// Lets the watcher of a host deliver no more.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removeWatchKey(of host: String) throws {
        try change { try $0.removeWatchKey(of: host) }
    }
}
