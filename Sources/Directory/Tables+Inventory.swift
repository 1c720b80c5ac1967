internal import SQLite
internal import Support

extension Tables {
    func sources() throws -> [InventorySource] {
        try database.rows(
            "SELECT id, region, pool_tag, names, created FROM inventory_sources ORDER BY id", [], source)
    }

    private func source(_ row: Statement) throws -> InventorySource {
        let id = row.integer(0)
        let terms = try database.rows(
            "SELECT kind, key, value FROM inventory_terms WHERE source = ?1", [id]
        ) { (kind: $0.text(0), key: $0.text(1), value: $0.text(2)) }
        return InventorySource(
            id: id, region: row.text(1),
            selection: InstanceSelection(
                tags: terms.filter { $0.kind == "tag" }.map { .init(key: $0.key, value: $0.value) },
                instances: terms.filter { $0.kind == "instance" }.map(\.value),
                poolTag: row.optional(2, row.text), naming: HostNaming(rawValue: row.text(3)) ?? .tag),
            created: row.timestamp(4))
    }

    func addSource(
        _ selection: InstanceSelection, region: String, at time: Timestamp
    ) throws -> InventorySource {
        try Rules.checkSelection(selection)
        try Rules.checkRegion(region)
        for id in selection.instances {
            try database.run("DELETE FROM removed_instances WHERE id = ?1", id)
        }
        if let present = try sources().first(where: { $0.selection == selection && $0.region == region }) {
            return present
        }
        let id = try counter("source") + 1
        try setCounter("source", id)
        try database.run(
            "INSERT INTO inventory_sources VALUES (?1, ?2, ?3, ?4, ?5)", id, region, selection.poolTag,
            selection.naming.rawValue, time.wholeSeconds)
        let insert = "INSERT INTO inventory_terms VALUES (?1, ?2, ?3, ?4)"
        for tag in selection.tags { try database.run(insert, id, "tag", tag.key, tag.value) }
        for instance in selection.instances { try database.run(insert, id, "instance", "", instance) }
        return InventorySource(
            id: id, region: region, selection: selection, created: time.wholeSeconds)
    }

    func removeSource(_ id: Int64) throws {
        if try database.run("DELETE FROM inventory_sources WHERE id = ?1", id) == 0 {
            throw DirectoryError(
                .notFound, "there is no import \(id)", hint: "see 'gatehouse host import --list'")
        }
    }

    // MARK: Removed hosts

    func removedInstances() throws -> [String: String] {
        let rows = try database.rows("SELECT id, host FROM removed_instances", []) {
            ($0.text(0), $0.text(1))
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// Notes that the host of an instance was removed: an import is not to bring it back by itself.
    func noteRemoval(of instance: String, host: String) throws {
        try database.run("INSERT OR REPLACE INTO removed_instances VALUES (?1, ?2)", instance, host)
    }

    // MARK: What the cloud told

    /// Takes it in; false when nothing is different but when the host was seen and how its agent is.
    func take(_ update: HostUpdate, at time: Timestamp) throws -> Bool {
        guard !update.isNew else {
            _ = try addHost(
                Host(
                    name: update.host, address: update.address ?? "", keys: [], instance: update.instance,
                    added: time))
            try database.run("DELETE FROM removed_instances WHERE id = ?1", update.instance.id)
            try movePools(update, at: time)
            return true
        }
        let before = try host(update.host)
        if let address = update.address {
            _ = try setHostAddress(address, port: before.port, of: update.host)
        }
        if update.dropsKeys {
            _ = try setHostKeys([], of: update.host)
            // The other half of it lies on the machine that is gone.
            try database.run("DELETE FROM watchers WHERE host = ?1", update.host)
        }
        let after = try setInstance(update.instance, of: update.host)
        try movePools(update, at: time)
        return update.leaves != nil || update.joins != nil || !after.differsOnlyInSight(from: before)
    }

    /// Pins the keys if there are none; else only looks whether they are the pinned ones.
    func takeHostKeys(
        _ keys: [KeyMaterial], of name: String, instance id: String
    ) throws -> HostKeyFinding {
        guard let host = try findHost(name), var instance = host.instance, instance.id == id else {
            return .outdated
        }
        if host.keys.isEmpty {
            _ = try setHostKeys(keys, of: name)
            try setCounter("generation", try counter("generation") + 1)
        }
        let isKnown = host.keys.isEmpty || Set(host.keys).isSubset(of: keys)
        let others = isKnown ? [] : keys.map(\.fingerprint).sorted()
        let isNews = instance.otherKeys != others
        if isNews {
            instance.otherKeys = others
            _ = try setInstance(instance, of: name)
        }
        if host.keys.isEmpty { return .pinned }
        return isKnown ? .confirmed : .different(isNews: isNews)
    }

    private func movePools(_ update: HostUpdate, at time: Timestamp) throws {
        if let pool = update.leaves {
            try database.run("DELETE FROM pool_members WHERE pool = ?1 AND host = ?2", pool, update.host)
        }
        if let pool = update.joins {
            if try findPool(pool) == nil { _ = try addPool(pool, at: time) }
            try join(update.host, to: pool)
        }
    }
}

extension Host {
    fileprivate func differsOnlyInSight(from other: Host) -> Bool {
        var (mine, others) = (instance, other.instance)
        mine?.lastSeen = nil
        mine?.isAgentOnline = nil
        others?.lastSeen = nil
        others?.isAgentOnline = nil
        return mine == others && address == other.address && keys == other.keys
    }
}

extension Rules {
    static func checkSelection(_ selection: InstanceSelection) throws(DirectoryError) {
        guard !selection.tags.isEmpty || !selection.instances.isEmpty || selection.poolTag != nil else {
            throw DirectoryError(.invalidField, "nothing is selected", hint: "give a tag or an instance")
        }
        guard selection.tags.isEmpty || selection.instances.isEmpty else {
            throw DirectoryError(.invalidField, "tags and instances do not go together")
        }
        // More than these EC2 does not take in one call.
        guard selection.tags.count <= 50, selection.instances.count <= 200 else {
            throw DirectoryError(
                .invalidField, "that is too much to select", hint: "at most 50 tags, or 200 instances")
        }
        for id in selection.instances { try checkInstanceID(id) }
        for key in selection.tags.map(\.key) + [selection.poolTag].compactMap(\.self) {
            guard (1...128).contains(key.count), key == key.printable else {
                throw DirectoryError(.invalidField, "\(quoted(key)) is not the key of a tag")
            }
        }
        for tag in selection.tags where tag.value.count > 256 || tag.value != tag.value.printable {
            throw DirectoryError(.invalidField, "\(quoted(tag.value)) is not the value of a tag")
        }
    }
}
