internal import SQLite
internal import Support

extension Tables {
    private static let hostColumns = """
        SELECT h.name, h.address, h.port, h.state, h.added, h.accounts,
            i.id, i.region, i.state, i.seen, i.platform, i.tagged_pool, i.agent, i.other_keys,
            i.address, h.transport, d.since, d.deadline, d.message
        FROM hosts h LEFT JOIN host_instances i ON i.host = h.name LEFT JOIN host_drains d ON d.host = h.name
        """

    private func host(_ row: Statement) throws -> Host {
        let name = row.text(0)
        let keys = try database.rows(
            "SELECT type, blob, fingerprint FROM host_keys WHERE host = ?1 ORDER BY type, fingerprint", [name]
        ) { KeyMaterial(type: $0.text(0), blob: $0.blob(1), fingerprint: $0.text(2)) }
        return Host(
            name: name, address: row.text(1), port: UInt16(truncatingIfNeeded: row.integer(2)), keys: keys,
            state: HostState(rawValue: row.text(3)) ?? .disabled, instance: Self.instance(row, from: 6),
            accounts: AccountRoute(rawValue: row.text(5)) ?? .automatic,
            transport: HostTransport(rawValue: row.text(15)) ?? .automatic,
            drain: row.optional(16, row.timestamp).map {
                HostDrain(since: $0, deadline: row.optional(17, row.timestamp), message: row.text(18))
            },
            added: row.timestamp(4))
    }

    func hosts() throws -> [Host] {
        try database.rows("\(Self.hostColumns) ORDER BY h.name", [], host)
    }

    func findHost(_ name: String) throws -> Host? {
        try database.first("\(Self.hostColumns) WHERE h.name = ?1", [name], host)
    }

    func host(_ name: String) throws -> Host {
        if let host = try findHost(name) { return host }
        throw DirectoryError(
            .notFound, "there is no host \(Rules.quoted(name))", hint: "see 'gatehouse host list'")
    }

    private func claimTarget(_ name: String, kind: String) throws {
        try Rules.checkTarget(name)
        let query = "SELECT kind FROM targets WHERE name = ?1"
        if let taken = try database.first(query, [name], { $0.text(0) }) {
            throw DirectoryError(
                .nameTaken, "there is a \(taken) '\(name)' already",
                hint: "hosts and pools share one set of names")
        }
        try database.run("INSERT INTO targets VALUES (?1, ?2)", name, kind)
    }

    func addHost(_ host: Host) throws -> Host {
        try Rules.checkAddress(host.address, port: host.port)
        try claimTarget(host.name, kind: "host")
        try database.run(
            "INSERT INTO hosts (name, address, port, state, added, accounts, transport) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            host.name, host.address, host.port, host.state.rawValue, host.added.wholeSeconds,
            host.accounts.rawValue, host.transport.rawValue)
        _ = try setHostKeys(host.keys, of: host.name)
        _ = try setInstance(host.instance, of: host.name)
        return try hostWithWays(host.name)
    }

    func setHostKeys(_ keys: [KeyMaterial], of name: String) throws -> Host {
        _ = try host(name)
        try database.run("DELETE FROM host_keys WHERE host = ?1", name)
        for key in keys {
            try Rules.checkKey(key)
            try database.run(
                "INSERT INTO host_keys VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING", name, key.blob,
                key.type,
                key.fingerprint)
        }
        try database.run("UPDATE host_instances SET other_keys = '' WHERE host = ?1", name)
        return try host(name)
    }

    func setHostAddress(_ address: String, port: UInt16, of name: String) throws -> Host {
        try Rules.checkAddress(address, port: port)
        _ = try host(name)
        try database.run("UPDATE hosts SET address = ?2, port = ?3 WHERE name = ?1", name, address, port)
        return try host(name)
    }

    func setHostState(_ state: HostState, of name: String) throws -> Host {
        _ = try host(name)
        try database.run("UPDATE hosts SET state = ?2 WHERE name = ?1", name, state.rawValue)
        return try host(name)
    }

    func setDrain(_ drain: HostDrain?, of name: String) throws -> Host {
        _ = try host(name)
        try database.run("DELETE FROM host_drains WHERE host = ?1", name)
        if let drain {
            try Rules.checkMessage(drain.message)
            try database.run(
                "INSERT INTO host_drains VALUES (?1, ?2, ?3, ?4)", name, drain.since.wholeSeconds,
                drain.deadline?.wholeSeconds, drain.message)
        }
        return try host(name)
    }

    /// Takes the host, its pool memberships and its grants away.
    func removeHost(_ name: String) throws {
        if let instance = try host(name).instance { try noteRemoval(of: instance.id, host: name) }
        try database.run("DELETE FROM targets WHERE name = ?1", name)
    }

    // MARK: Pools

    private func pool(_ row: Statement) throws -> Pool {
        let name = row.text(0)
        let hosts = try database.rows("SELECT host FROM pool_members WHERE pool = ?1 ORDER BY host", [name]) {
            $0.text(0)
        }
        return Pool(name: name, hosts: hosts, created: row.timestamp(1))
    }

    func pools() throws -> [Pool] {
        try database.rows("SELECT name, created FROM pools ORDER BY name", [], pool)
    }

    func findPool(_ name: String) throws -> Pool? {
        try database.first("SELECT name, created FROM pools WHERE name = ?1", [name], pool)
    }

    func pool(_ name: String) throws -> Pool {
        if let pool = try findPool(name) { return pool }
        throw DirectoryError(
            .notFound, "there is no pool \(Rules.quoted(name))", hint: "see 'gatehouse pool list'")
    }

    func addPool(_ name: String, at time: Timestamp) throws -> Pool {
        try claimTarget(name, kind: "pool")
        try database.run("INSERT INTO pools VALUES (?1, ?2)", name, time.wholeSeconds)
        return try pool(name)
    }

    /// Takes the pool and its grants away; its hosts stay.
    func removePool(_ name: String) throws {
        _ = try pool(name)
        try database.run("DELETE FROM targets WHERE name = ?1", name)
    }

    func join(_ host: String, to pool: String) throws {
        _ = try self.pool(pool)
        _ = try self.host(host)
        try database.run("INSERT INTO pool_members VALUES (?1, ?2) ON CONFLICT DO NOTHING", pool, host)
    }

    func leave(_ host: String, from pool: String) throws {
        _ = try self.pool(pool)
        if try database.run("DELETE FROM pool_members WHERE pool = ?1 AND host = ?2", pool, host) == 0 {
            throw DirectoryError(.notFound, "\(Rules.quoted(host)) is not in the pool '\(pool)'")
        }
    }
}
