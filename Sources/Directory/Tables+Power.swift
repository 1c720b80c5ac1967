internal import SQLite
internal import Support

/// What is to be started and stopped.
extension Tables {
    /// By the name of the host or pool.
    func idlePolicies() throws -> [String: Duration] {
        let rows = try database.rows("SELECT target, seconds FROM idle_policies", []) {
            ($0.text(0), Duration.seconds($0.integer(1)))
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// - Parameter interval: nil: none; zero: never.
    func setIdlePolicy(_ interval: Duration?, of target: String) throws {
        try database.run("DELETE FROM idle_policies WHERE target = ?1", target)
        guard let interval else { return }
        let seconds = interval.components.seconds
        guard seconds == 0 || IdlePolicy.bounds.contains(seconds) else {
            throw DirectoryError(
                .outOfRange, "\(seconds) s is no time after which a host may be stopped",
                hint: "from 5 seconds to 30 days, or never")
        }
        try database.run("INSERT INTO idle_policies VALUES (?1, ?2)", target, seconds)
    }

    /// The host's own policy, else the longest of its pools, where none means never; nil: there is none.
    func idlePolicy(of host: String) throws -> IdlePolicy? {
        let pools = try database.rows("SELECT pool FROM pool_members WHERE host = ?1 ORDER BY pool", [host]) {
            $0.text(0)
        }
        return Self.idlePolicy(of: host, in: pools, try idlePolicies())
    }

    private static func idlePolicy(
        of host: String, in pools: [String], _ policies: [String: Duration]
    ) -> IdlePolicy? {
        if let own = policies[host] { return IdlePolicy(interval: own, source: nil) }
        let found = pools.compactMap { pool in
            policies[pool].map { IdlePolicy(interval: $0, source: pool) }
        }
        return found.first { $0.interval == .zero } ?? found.max { $0.interval < $1.interval }
    }

    /// See `DirectoryStore.idleHosts()`.
    func idleHosts() throws -> [IdleHost] {
        let policies = try idlePolicies()
        guard !policies.isEmpty else { return [] }
        let memberships = try database.rows("SELECT host, pool FROM pool_members ORDER BY host, pool", []) {
            (host: $0.text(0), pool: $0.text(1))
        }
        let pools = Dictionary(grouping: memberships, by: \.host)
        let keeps = try database.rows("SELECT host, max(until) FROM host_keeps GROUP BY host", []) {
            ($0.text(0), $0.timestamp(1))
        }
        let ends = Dictionary(uniqueKeysWithValues: keeps)
        return try hosts().compactMap { host in
            guard let instance = host.instance, !instance.state.isDown, host.accountRoute != .local,
                let policy = Self.idlePolicy(
                    of: host.name, in: pools[host.name, default: []].map(\.pool), policies),
                policy.interval > .zero
            else { return nil }
            return IdleHost(
                host: host, instance: instance, interval: policy.interval, keptUntil: ends[host.name])
        }
    }

    // MARK: Keeps

    /// The one that lasts longest, of all but `person`.
    func keep(of host: String, but person: String? = nil, at time: Timestamp) throws -> HostKeep? {
        try database.first(
            """
            SELECT until, who FROM host_keeps WHERE host = ?1 AND who IS NOT ?2 AND until > ?3
            ORDER BY until DESC, who LIMIT 1
            """, [host, person, time]
        ) { HostKeep(until: $0.timestamp(0), who: $0.text(1)) }
    }

    /// The only one from now on; nil: there is none.
    func setKeep(_ keep: HostKeep?, of host: String) throws {
        _ = try self.host(host)
        try database.run("DELETE FROM host_keeps WHERE host = ?1", host)
        if let keep { try insert(keep, of: host) }
    }

    private func insert(_ keep: HostKeep, of host: String) throws {
        try database.run(
            "INSERT INTO host_keeps VALUES (?1, ?2, ?3)", host, keep.who, keep.until.wholeSeconds)
    }

    /// See `DirectoryStore.setKeep(until:by:of:at:)`.
    func setKeep(
        until: Timestamp?, by person: String, of host: String, at time: Timestamp
    ) throws -> KeepOutcome {
        _ = try self.host(host)
        try database.run("DELETE FROM host_keeps WHERE host = ?1 AND until <= ?2", host, time)
        let other = try keep(of: host, but: person, at: time)
        if let until, let other, other.until > until { return .refused(other) }
        let before = try database.run("DELETE FROM host_keeps WHERE host = ?1 AND who = ?2", host, person)
        guard let until else {
            if let other, before == 0 { return .refused(other) }
            return .done(others: other)
        }
        try insert(HostKeep(until: until, who: person), of: host)
        return .done(others: other)
    }

    // MARK: Wakes

    func wakes() throws -> [HostWake] {
        try database.rows("SELECT host, instance, started, who FROM wakes ORDER BY host", []) {
            HostWake(host: $0.text(0), instance: $0.text(1), started: $0.timestamp(2), who: $0.text(3))
        }
    }

    func setWake(_ wake: HostWake) throws {
        try database.run(
            "INSERT OR REPLACE INTO wakes VALUES (?1, ?2, ?3, ?4)", wake.host, wake.instance,
            wake.started.wholeSeconds, wake.who)
    }

    func endWake(of host: String) throws {
        try database.run("DELETE FROM wakes WHERE host = ?1", host)
    }
}
