package import Authorization
package import Directory
package import Support

/// What a login name means, before a host is picked.
package enum Route: Equatable, Sendable {
    /// There is nothing to choose.
    case settled(Destination)
    /// Some host of a pool.
    case pool(PoolRoute)

    /// Where it leads.
    ///
    /// - Parameter avoided: hosts that have just not answered, by name.
    package func destination(
        in situation: PoolSituation, avoiding avoided: Set<String> = []
    ) -> (Destination, PassedOver?) {
        switch self {
        case .settled(.host(let access)) where avoided.contains(access.host.name):
            return (.refused(.noOpenHost(access.host.name)), nil)
        case .settled(let destination): return (destination, nil)
        case .pool(let pool):
            guard let choice = pool.choose(in: situation, avoiding: avoided) else {
                return (.refused(.noOpenHost(pool.name)), nil)
            }
            return (.host(choice.access), choice.passedOver)
        }
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

    /// What `target` means for `user`; nil: the user's own choice, else the default.
    ///
    /// Which host is meant does not depend on what was shown nor on where they are, but whether they get there.
    /// - Parameters:
    ///   - shown: what they have shown besides a key.
    ///   - origin: where the client is.
    /// - Throws: `SQLiteError`; never because of a name.
    package func route(
        user: String, target: String?, showing shown: FurtherFactors, from origin: Origin,
        at time: Timestamp = .now
    ) throws -> Route {
        func route(named target: String, pin: String?) throws -> Route {
            try self.route(user: user, named: target, pin: pin, showing: shown, from: origin, at: time)
        }
        if target == Self.gate {
            let isActive = try directory.findUser(user)?.state == .active
            return .settled(isActive ? .gate : .refused(.unknownTarget(Self.gate)))
        }
        let pin = try directory.pin(of: user)
        if let target { return try route(named: target, pin: pin) }
        let granted = try grantedDefault(of: user, at: time)
        if let pin, try isReachable(pin, for: user, at: time) {
            // Within the pool where they would get anyway, another host can stand in.
            let pool = try granted.flatMap { try directory.findPool($0) }
            let isInPool = pool?.hosts.contains(pin) ?? false
            return try route(named: isInPool ? pool?.name ?? pin : pin, pin: pin)
        }
        guard let granted else { return .settled(.refused(.nothingGranted)) }
        return try route(named: granted, pin: nil)
    }

    private func route(
        user: String, named target: String, pin: String?, showing shown: FurtherFactors,
        from origin: Origin, at time: Timestamp
    ) throws -> Route {
        switch try directory.entry(of: user, to: target, showing: shown, from: origin, at: time) {
        case .open(let access): return .settled(access.obstacle.map { .refused($0) } ?? .host(access))
        case .lacking(let factors): return .settled(.refused(.lacking(target, user: user, factors)))
        case .elsewhere: return .settled(.refused(.elsewhere(target, origin)))
        case .closed: break
        }
        guard let pool = try directory.findPool(target) else {
            return .settled(.refused(.unknownTarget(target)))
        }
        var members: [Access] = []
        var lacking: [FurtherFactors] = []
        var withheld: [String: PassedOver] = [:]
        for host in pool.hosts {
            switch try directory.entry(of: user, to: host, showing: shown, from: origin, at: time) {
            case .open(let access): members.append(access)
            case .lacking(let factors):
                lacking.append(factors)
                withheld[host] = .lacking(host, factors)
            case .elsewhere: withheld[host] = .elsewhere(host)
            case .closed: break
            }
        }
        if members.isEmpty {
            if let least = FurtherFactors.ascending.first(where: lacking.contains) {
                return .settled(.refused(.lacking(target, user: user, least)))
            }
            if !withheld.isEmpty { return .settled(.refused(.elsewhere(target, origin))) }
            guard try isGranted(pool, to: user, at: time) else {
                return .settled(.refused(.unknownTarget(target)))
            }
        }
        return .pool(PoolRoute(name: target, members: members, withheld: withheld, pinned: pin))
    }

    private func isReachable(_ target: String, for user: String, at time: Timestamp) throws -> Bool {
        if try directory.access(of: user, to: target, at: time) != nil { return true }
        guard let pool = try directory.findPool(target) else { return false }
        return try pool.hosts.contains { try directory.access(of: user, to: $0, at: time) != nil }
    }

    private func isGranted(_ pool: Pool, to user: String, at time: Timestamp) throws -> Bool {
        let targets = try grants(of: user, at: time).map(\.target)
        return targets.contains(.pool(pool.name)) || targets.contains(.all)
            || pool.hosts.contains { targets.contains(.host($0)) }
    }

    /// Where `user` gets without naming a target: the own choice, while it can be reached; else the only target granted; else the pool
    /// of the first group that was granted one; else the first host, one that is up if possible. nil: nowhere.
    ///
    /// - Throws: `SQLiteError`.
    package func defaultTarget(of user: String, at time: Timestamp = .now) throws -> String? {
        if let pin = try directory.pin(of: user), try isReachable(pin, for: user, at: time) { return pin }
        return try grantedDefault(of: user, at: time)
    }

    private func grantedDefault(of user: String, at time: Timestamp) throws -> String? {
        let grants = try grants(of: user, at: time)
        let targets = Set(grants.map(\.target))
        if targets.count == 1, let only = targets.first?.name { return only }
        for group in try directory.findUser(user) == nil ? [] : directory.groups(of: user) {
            let pools = grants.filter { $0.subject == .group(group.name) }.compactMap(\.target.pool)
            if let pool = pools.min() { return pool }
        }
        let hosts = try directory.reachableHosts(of: user, at: time)
        return (hosts.first { $0.obstacle == nil } ?? hosts.first)?.host.name
    }

    private func grants(of user: String, at time: Timestamp) throws -> [Grant] {
        try directory.findUser(user) == nil ? [] : directory.effectiveGrants(of: user, at: time)
    }
}

extension GrantTarget {
    fileprivate var name: String? {
        switch self {
        case .host(let name), .pool(let name): name
        case .all: nil
        }
    }

    fileprivate var pool: String? {
        if case .pool(let name) = self { name } else { nil }
    }
}
