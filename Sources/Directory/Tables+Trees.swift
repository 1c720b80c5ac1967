internal import SQLite
internal import Support

extension Tables {
    private static let treeColumns =
        """
        SELECT t.path, t.gid, n.name, g.created, t.scanner, t.created FROM trees t
        LEFT JOIN shared_groups g ON g.gid = t.gid LEFT JOIN numbers n ON n.number = t.gid
        """

    private func tree(_ row: Statement) throws -> Tree {
        let path = row.text(0)
        let group =
            row.isNull(1) ? nil : Group(gid: row.number(1), name: row.text(2), created: row.timestamp(3))
        let targets = try database.rows(
            "SELECT target FROM tree_targets WHERE tree = ?1 ORDER BY target", [path]
        ) { $0.text(0) }
        let hosts = try database.rows(
            """
            SELECT target FROM tree_targets JOIN hosts h ON h.name = target WHERE tree = ?1
            UNION SELECT m.host FROM tree_targets JOIN pool_members m ON m.pool = target WHERE tree = ?1 ORDER BY 1
            """, [path]
        ) { $0.text(0) }
        return Tree(
            path: path, group: group, targets: targets, hosts: hosts,
            chosenScanner: row.optional(4, row.text), created: row.timestamp(5))
    }

    func trees() throws -> [Tree] {
        try database.rows("\(Self.treeColumns) ORDER BY t.path", [], tree)
    }

    func tree(_ path: String) throws -> Tree {
        if let tree = try database.first("\(Self.treeColumns) WHERE t.path = ?1", [path], tree) {
            return tree
        }
        throw DirectoryError(
            .notFound, "there is no tree \(Rules.quoted(path))", hint: "see 'gatehouse tree list'")
    }

    func addTree(_ new: NewTree, at time: Timestamp) throws -> Tree {
        try Rules.checkTreePath(new.path)
        for other in try trees() {
            if other.path == new.path {
                throw DirectoryError(.nameTaken, "there is a tree \(Rules.quoted(new.path)) already")
            }
            if other.holds(new.path) || Tree.isWithin(other.path, new.path) {
                throw DirectoryError(
                    .nameTaken,
                    "\(Rules.quoted(new.path)) and the tree \(Rules.quoted(other.path)) lie in each other",
                    hint: "a file belongs to one tree only")
            }
        }
        let gid = try new.group.map { try group($0).gid }
        try database.run(
            "INSERT INTO trees VALUES (?1, ?2, NULL, ?3)", new.path, gid.map(Int64.init), time.wholeSeconds)
        try setTargets(new.targets, of: new.path)
        if let scanner = new.scanner { try setScanner(scanner, of: new.path) }
        return try tree(new.path)
    }

    func setTargets(_ targets: [String], of path: String) throws {
        _ = try tree(path)
        try database.run("DELETE FROM tree_targets WHERE tree = ?1", path)
        for target in targets {
            guard try database.first("SELECT 1 FROM targets WHERE name = ?1", [target], { _ in true }) != nil
            else {
                throw DirectoryError(
                    .notFound, "there is no host or pool \(Rules.quoted(target))",
                    hint: "see 'gatehouse host list' and 'gatehouse pool list'")
            }
            try database.run("INSERT INTO tree_targets VALUES (?1, ?2) ON CONFLICT DO NOTHING", path, target)
        }
    }

    func setScanner(_ host: String, of path: String) throws {
        _ = try self.host(host)
        guard try tree(path).hosts.contains(host) else {
            throw DirectoryError(
                .conflict, "\(Rules.quoted(host)) has no tree \(Rules.quoted(path))",
                hint: "a host that has the tree walks it")
        }
        try database.run("UPDATE trees SET scanner = ?2 WHERE path = ?1", path, host)
    }

    /// Forgets the tree; its files are not touched.
    func removeTree(_ path: String) throws {
        _ = try tree(path)
        try database.run("DELETE FROM trees WHERE path = ?1", path)
    }

    // MARK: Watchers

    private static let watcherColumns =
        "SELECT host, type, blob, fingerprint, installed, fetched FROM watchers"

    private func watchKey(_ row: Statement) -> WatchKey {
        WatchKey(
            host: row.text(0),
            material: KeyMaterial(type: row.text(1), blob: row.blob(2), fingerprint: row.text(3)),
            installed: row.timestamp(4), isFetched: row.boolean(5))
    }

    func watchKeys() throws -> [WatchKey] {
        try database.rows("\(Self.watcherColumns) ORDER BY host", [], watchKey)
    }

    func watchKey(of host: String) throws -> WatchKey? {
        try database.first("\(Self.watcherColumns) WHERE host = ?1", [host], watchKey)
    }

    func setWatchKey(
        _ key: KeyMaterial, of host: String, isFetched: Bool?, at time: Timestamp
    ) throws {
        _ = try self.host(host)
        try Rules.checkKey(key)
        if let other = try watchKeys().first(where: { $0.material.blob == key.blob && $0.host != host }) {
            throw DirectoryError(.keyTaken, "this is the key of the watcher on '\(other.host)'")
        }
        if let user = try self.key(withBlob: key.blob) {
            throw DirectoryError(.keyTaken, "this is a key of the user '\(user.user)'")
        }
        let known = try watchKey(of: host)
        let fetched: Int64 = isFetched ?? known?.isFetched ?? false ? 1 : 0
        if known?.material == key {
            try database.run("UPDATE watchers SET fetched = ?2 WHERE host = ?1", host, fetched)
            return
        }
        try database.run("DELETE FROM watchers WHERE host = ?1", host)
        try database.run(
            "INSERT INTO watchers VALUES (?1, ?2, ?3, ?4, ?5, ?6)", host, key.type, key.blob,
            key.fingerprint, time.wholeSeconds, fetched)
    }

    func removeWatchKey(of host: String) throws {
        if try database.run("DELETE FROM watchers WHERE host = ?1", host) == 0 {
            throw DirectoryError(
                .notFound, "no watcher is installed on \(Rules.quoted(host))",
                hint: "see 'gatehouse watch status'")
        }
    }
}
