package import Authorization
package import Support

extension DirectoryStore {
    /// All grants by id, also those whose time is over.
    package func grants() throws -> [Grant] {
        try read { try $0.grants() }
    }

    /// - Throws: `DirectoryError` `.notFound`.
    package func grant(_ id: Int64) throws -> Grant {
        try read { try $0.grant(id) }
    }

    /// Lets a user or group reach a host, a pool or every host.
    ///
    /// - Parameters:
    ///   - period: when it holds, in whole seconds.
    ///   - networks: from where it can be made use of.
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left, `.invalidField` for an end that is past and for rights that
    ///   make no sense together.
    @discardableResult
    package func addGrant(
        _ subject: GrantSubject, to target: GrantTarget, _ rights: Rights = Rights(),
        period: GrantPeriod = .always, requiring required: FurtherFactors = [],
        from networks: SourceNetworks = .anywhere, at time: Timestamp = .now
    ) throws -> Grant {
        if let until = period.until, until <= time {
            throw DirectoryError(
                .invalidField, "\(until) is past", hint: "a grant ends in the future, or never")
        }
        return try change {
            try $0.addGrant(
                subject, to: target, rights, period, requiring: required, from: networks, at: time)
        }
    }

    /// - Throws: `DirectoryError` `.notFound`.
    package func removeGrant(_ id: Int64) throws {
        try change { try $0.removeGrant(id) }
    }

    // MARK: Who may go where

    /// The grants that hold for a user at `time`, own ones and those of the groups, by id; none unless the user is active.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func effectiveGrants(of user: String, at time: Timestamp = .now) throws -> [Grant] {
        try read { tables in
            let user = try tables.user(user)
            return user.state == .active ? try tables.grants(of: user, at: time) : []
        }
    }

    /// Who has a grant, or is in a group that has one, that held once and does not hold at `time`.
    package func usersOfLapsedGrants(at time: Timestamp = .now) throws -> Set<String> {
        try read { tables in
            var users: Set<String> = []
            for grant in try tables.grants() where grant.period != .always {
                switch grant.period.lapse(at: time) {
                case nil, .notYet, .elsewhere: continue
                case .over, .outsideHours: break
                }
                switch grant.subject {
                case .user(let name): users.insert(name)
                case .group(let name): users.formUnion(try tables.members(of: try tables.group(name).gid))
                }
            }
            return users
        }
    }

    /// All grants of a user that lead to a host, whether they hold or not, by id.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func grants(of user: String, leadingTo host: String) throws -> [Grant] {
        try read { tables in
            try tables.grants(of: try tables.user(user), on: try tables.host(host).name)
        }
    }

    /// What a user may do on a host at `time`; nil: not reach it.
    ///
    /// The same nil for a user or host that does not exist or is not active, and for one without a grant.
    /// - Parameters:
    ///   - shown: grants that require more do not count. Who is let in now is for `entry` to say.
    ///   - origin: where the client is; grants for other networks do not count.
    package func access(
        of user: String, to host: String, at time: Timestamp = .now, showing shown: FurtherFactors = .all,
        from origin: Origin = .anywhere
    ) throws -> Access? {
        try read { tables in
            guard let user = try tables.findUser(user), let host = try tables.findHost(host) else {
                return nil
            }
            return try tables.access(of: user, to: host, at: time, showing: shown, from: origin)
        }
    }

    /// What a host is to a user who has shown something besides a key, or nothing; `.closed` as `access` says nil.
    ///
    /// - Parameters:
    ///   - origin: where the client is.
    ///   - isJump: whether they want to jump there.
    package func entry(
        of user: String, to host: String, showing shown: FurtherFactors, from origin: Origin,
        isJump: Bool = false, at time: Timestamp = .now
    ) throws -> Entry {
        try read { tables in
            guard let user = try tables.findUser(user), let host = try tables.findHost(host) else {
                return .closed
            }
            return try tables.entry(
                of: user, to: host, at: time, showing: shown, from: origin, isJump: isJump)
        }
    }

    /// The hosts a user may reach at `time`, by name; none for a user who does not exist or is not active.
    ///
    /// - Parameter origin: where the client is.
    package func reachableHosts(
        of user: String, at time: Timestamp = .now, from origin: Origin = .anywhere
    ) throws -> [Access] {
        try read { tables in
            guard let user = try tables.findUser(user) else { return [] }
            return try tables.hosts().compactMap { host in
                let entry = try tables.entry(
                    of: user, to: host, at: time, showing: .all, from: origin, isJump: false)
                guard case .open(let access) = entry else { return nil }
                return access
            }
        }
    }

    /// The active users who may reach a host at `time`, by name, whatever the host's state.
    ///
    /// - Throws: `DirectoryError` `.notFound` for the host.
    package func accountHolders(on host: String, at time: Timestamp = .now) throws -> [AccountHolder] {
        try read { try $0.accountHolders(on: host, at: time) }
    }

    /// The same for one user; nil for who may not reach the host or does not exist.
    package func accountHolder(
        _ user: String, on host: String, at time: Timestamp = .now
    ) throws -> AccountHolder? {
        try read { tables in
            guard let user = try tables.findUser(user) else { return nil }
            return try tables.holder(user, on: host, at: time)
        }
    }
}
