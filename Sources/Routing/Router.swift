package import Directory
package import Support

/// A live session: who is where.
package struct LiveSession: Hashable, Sendable {
    /// Who has the session.
    package let user: String
    /// Where it leads.
    package let host: String

    package init(user: String, host: String) {
        self.user = user
        self.host = host
    }
}

/// Finds where a login leads. Reads the directory, so it blocks; any thread may call it.
package struct Router: Sendable {
    /// The target that is the gateway itself.
    package static let gate = "gate"

    private let directory: DirectoryStore

    package init(directory: DirectoryStore) {
        self.directory = directory
    }

    /// Where `user` gets with `target`; nil: the user's default.
    ///
    /// A pool leads to the host on which the user has sessions, else to the one with the fewest sessions, else to the first by name;
    /// never to one whose instance is down, to one that is starting only where there is no other, and to one that has to be
    /// started only where there is neither.
    /// - Parameters:
    ///   - sessions: all live sessions.
    ///   - avoided: hosts that did not answer, by name.
    /// - Throws: `SQLiteError`; never because of a name.
    package func resolve(
        user: String, target: String?, sessions: [LiveSession] = [], avoiding avoided: Set<String> = [],
        at time: Timestamp = .now
    ) throws -> Destination {
        if target == Self.gate {
            let isActive = try directory.findUser(user)?.state == .active
            return isActive ? .gate : .refused(.unknownTarget(Self.gate))
        }
        if let target {
            return try resolve(user: user, named: target, sessions: sessions, avoiding: avoided, at: time)
        }
        guard let target = try defaultTarget(of: user, at: time) else { return .refused(.nothingGranted) }
        return try resolve(user: user, named: target, sessions: sessions, avoiding: avoided, at: time)
    }

    private func resolve(
        user: String, named target: String, sessions: [LiveSession], avoiding avoided: Set<String>,
        at time: Timestamp
    ) throws -> Destination {
        if let access = try directory.access(of: user, to: target, at: time) {
            if let outage = access.outage { return .refused(outage) }
            return avoided.contains(target) ? .refused(.noOpenHost(target)) : .host(access)
        }
        guard let pool = try directory.findPool(target) else { return .refused(.unknownTarget(target)) }
        let open = try pool.hosts.filter { !avoided.contains($0) }.compactMap {
            try directory.access(of: user, to: $0, at: time)
        }.filter { $0.outage == nil }
        if let access = Self.pick(open, for: user, sessions: sessions) { return .host(access) }
        return .refused(
            try isGranted(pool, to: user, at: time) ? .noOpenHost(target) : .unknownTarget(target))
    }

    private func isGranted(_ pool: Pool, to user: String, at time: Timestamp) throws -> Bool {
        let targets = try grants(of: user, at: time).map(\.target)
        return targets.contains(.pool(pool.name)) || pool.hosts.contains { targets.contains(.host($0)) }
    }

    static func pick(_ open: [Access], for user: String, sessions: [LiveSession]) -> Access? {
        func rank(_ access: Access) -> (Int, Int, Int, Int, String) {
            let here = sessions.filter { $0.host == access.host.name }
            let isStarting = access.host.instance?.state == .pending
            return (
                access.needsWaking ? 1 : 0, -here.count { $0.user == user }, isStarting ? 1 : 0, here.count,
                access.host.name
            )
        }
        return open.min { rank($0) < rank($1) }
    }

    /// Where `user` gets without naming a target: the only target granted; else the pool of the first group that was granted one;
    /// else the first host, one that is up if possible. nil: nowhere.
    ///
    /// - Throws: `SQLiteError`.
    package func defaultTarget(of user: String, at time: Timestamp = .now) throws -> String? {
        let grants = try grants(of: user, at: time)
        let targets = Set(grants.map(\.target))
        if targets.count == 1, let only = targets.first { return only.name }
        for group in try directory.findUser(user) == nil ? [] : directory.groups(of: user) {
            let pools = grants.filter { $0.subject == .group(group.name) }.compactMap(\.target.pool)
            if let pool = pools.min() { return pool }
        }
        let hosts = try directory.reachableHosts(of: user, at: time).map(\.host)
        return (hosts.first { $0.outage == nil } ?? hosts.first)?.name
    }

    private func grants(of user: String, at time: Timestamp) throws -> [Grant] {
        try directory.findUser(user) == nil ? [] : directory.effectiveGrants(of: user, at: time)
    }
}

extension GrantTarget {
    fileprivate var name: String {
        switch self {
        case .host(let name), .pool(let name): name
        }
    }

    fileprivate var pool: String? {
        if case .pool(let name) = self { name } else { nil }
    }
}
