internal import Authorization
internal import SQLite
internal import Support

extension Tables {
    /// Grants with the names of both sides; a WHERE clause may follow.
    private static let grantColumns = """
        SELECT a.id, s.kind, s.name, t.kind, t.name, a.created, a.sudo, a.wake, a.programs, a.ports, a.remote,
            a.agent, a.record, a.starts, a.until, a.days, a.opens, a.closes, a.zone, a.require,
            a.networks
        FROM grants a JOIN numbers s ON s.number = coalesce(a.uid, a.gid) LEFT JOIN targets t ON t.name = a.target
        """

    /// The grants of the user ?1 and of the user's groups.
    private static let ofUser = "(a.uid = ?1 OR a.gid IN (SELECT gid FROM memberships WHERE uid = ?1))"
    /// Those that lead to the host ?2.
    private static let onHost =
        "(a.target IS NULL OR a.target = ?2 OR a.target IN (SELECT pool FROM pool_members WHERE host = ?2))"

    private static func grant(_ row: Statement) throws -> Grant {
        let target: GrantTarget =
            switch row.optional(3, row.text) {
            case nil: .all
            case "host": .host(row.text(4))
            default: .pool(row.text(4))
            }
        var hours: WeeklyHours?
        if !row.isNull(15) {
            hours = try WeeklyHours(
                bits: UInt8(clamping: row.integer(15)), opens: Int(row.integer(16)),
                closes: Int(row.integer(17)), zone: row.optional(18, row.text))
        }
        return Grant(
            id: row.integer(0),
            subject: row.text(1) == "user" ? .user(row.text(2)) : .group(row.text(2)), target: target,
            rights: Rights(
                sudo: row.boolean(6), programs: Programs(rawValue: row.text(8)) ?? .none,
                forwarding: PortSet(stored: row.text(9)), remoteForwarding: row.boolean(10),
                agent: row.boolean(11), record: row.boolean(12), wake: row.boolean(7)),
            period: GrantPeriod(
                from: row.optional(13, row.timestamp), until: row.optional(14, row.timestamp), hours: hours),
            required: row.text(19).isEmpty ? [] : FurtherFactors(text: row.text(19)) ?? .all,
            networks: SourceNetworks(stored: row.text(20)), created: row.timestamp(5))
    }

    func grants() throws -> [Grant] {
        try database.rows("\(Self.grantColumns) ORDER BY a.id", [], Self.grant)
    }

    func grant(_ id: Int64) throws -> Grant {
        let found = try database.first("\(Self.grantColumns) WHERE a.id = ?1", [id], Self.grant)
        if let found { return found }
        throw DirectoryError(.notFound, "there is no grant \(id)", hint: "see 'gatehouse grant list'")
    }

    func addGrant(
        _ subject: GrantSubject, to target: GrantTarget, _ rights: Rights, _ period: GrantPeriod,
        requiring required: FurtherFactors, from networks: SourceNetworks, at time: Timestamp,
        id wanted: Int64? = nil
    ) throws -> Grant {
        try Rules.check(rights)
        if let from = period.from, let until = period.until, until <= from {
            throw DirectoryError(.invalidField, "\(until) is not after \(from)")
        }
        var uid: UInt32?
        var gid: UInt32?
        switch subject {
        case .user(let name): uid = try presentUser(name).uid
        case .group(let name): gid = try group(name).gid
        }
        let targetName: String?
        switch target {
        case .host(let name): targetName = try host(name).name
        case .pool(let name): targetName = try pool(name).name
        case .all: targetName = nil
        }
        let id: Int64
        if let wanted {
            id = wanted
        } else {
            id = try counter("grant") + 1
            try setCounter("grant", id)
        }
        try database.run(
            """
            INSERT INTO grants (id, uid, gid, target, created, sudo, wake, programs, ports, remote, agent, record,
                starts, until, days, opens, closes, zone, require, networks)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
            """, id, uid, gid, targetName, time.wholeSeconds, rights.sudo, rights.wake,
            rights.permissions.programs.rawValue, rights.permissions.forwarding.text,
            rights.permissions.remoteForwarding, rights.permissions.agent, rights.record,
            period.from?.wholeSeconds, period.until?.wholeSeconds, period.hours.map { Int64($0.days) },
            period.hours.map { Int64($0.opens) }, period.hours.map { Int64($0.closes) }, period.hours?.zone,
            required.text, networks.text)
        return try grant(id)
    }

    func removeGrant(_ id: Int64) throws {
        _ = try grant(id)
        try database.run("DELETE FROM grants WHERE id = ?1", id)
    }

    /// All of the user, own ones and those of the groups, whether they hold or not.
    func grants(of user: User) throws -> [Grant] {
        try database.rows("\(Self.grantColumns) WHERE \(Self.ofUser) ORDER BY a.id", [user.uid], Self.grant)
    }

    /// Those of them that lead to the host: directly, by a pool, or because they lead to every one.
    func grants(of user: User, on host: String) throws -> [Grant] {
        try database.rows(
            """
            \(Self.grantColumns) WHERE \(Self.ofUser) AND \(Self.onHost) ORDER BY a.id
            """, [user.uid, host], Self.grant)
    }

    /// Those that hold at `time`.
    func grants(of user: User, at time: Timestamp) throws -> [Grant] {
        try database.rows(
            "\(Self.grantColumns) WHERE \(Self.ofUser) AND (a.until IS NULL OR a.until > ?2) ORDER BY a.id",
            [user.uid, time], Self.grant
        ).filter { $0.isEffective(at: time) }
    }

    func grants(of user: User, on host: String, at time: Timestamp) throws -> [Grant] {
        try current(grantsOf: user, on: host, at: time).filter { $0.isEffective(at: time) }
    }

    /// Those that lead to the host and are not over for good: the others grow in number for ever.
    private func current(grantsOf user: User, on host: String, at time: Timestamp) throws -> [Grant] {
        try database.rows(
            """
            \(Self.grantColumns) WHERE \(Self.ofUser) AND \(Self.onHost) AND (a.until IS NULL OR a.until > ?3)
            ORDER BY a.id
            """, [user.uid, host, time], Self.grant)
    }

    /// - Parameters:
    ///   - shown: what was shown of what grants can require.
    ///   - origin: where the client is.
    func access(
        of user: User, to host: Host, at time: Timestamp, showing shown: FurtherFactors, from origin: Origin
    ) throws -> Access? {
        guard user.state == .active, user.networks.admit(origin), host.state == .active else { return nil }
        let leading = try current(grantsOf: user, on: host.name, at: time)
        let grants = leading.filter {
            $0.lapse(at: time, from: origin) == nil && $0.required.isSubset(of: shown)
        }
        guard var rights = Self.merged(grants) else { return nil }
        // A duty is nobody's to choose: a recording is made also where that grant holds for others, or requires more.
        if leading.contains(where: { $0.isEffective(at: time) && $0.rights.record }) {
            rights = rights.union(.dutyToRecord)
        }
        let ends = grants.compactMap { $0.period.end(after: time) }
        return Access(
            user: user, host: host, rights: rights, until: ends.count == grants.count ? ends.max() : nil,
            isTimed: leading.contains { $0.period != .always }, grants: grants.map(\.id),
            required: grants.reduce([]) { $0.union($1.required) })
    }

    /// What somebody gets who wants to enter a host now.
    ///
    /// Root on a host, and what its sshd lets people do on a jump, are the account's and not a session's: who has more of them by a grant
    /// that requires something, or holds in some networks, enters in no other way and from nowhere else.
    func entry(
        of user: User, to host: Host, at time: Timestamp, showing shown: FurtherFactors, from origin: Origin,
        isJump: Bool
    ) throws -> Entry {
        func access(showing shown: FurtherFactors, from origin: Origin) throws -> Access? {
            try self.access(of: user, to: host, at: time, showing: shown, from: origin)
        }
        guard let whole = try access(showing: .all, from: .anywhere) else { return .closed }
        func isWhole(_ access: Access) -> Bool {
            access.rights.sudo == whole.rights.sudo && (!isJump || access.rights.jump == whole.rights.jump)
        }
        guard let here = try access(showing: .all, from: origin), isWhole(here) else { return .elsewhere }
        if here.required.isSubset(of: shown) { return .open(here) }
        for further in FurtherFactors.ascending.dropLast() {
            guard let access = try access(showing: shown.union(further), from: origin), isWhole(access)
            else { continue }
            let missing = further.subtracting(shown)
            return missing.isEmpty ? .open(access) : .lacking(missing)
        }
        return .lacking(here.required.subtracting(shown))
    }

    private static func merged(_ grants: [Grant]) -> Rights? {
        guard let first = grants.first else { return nil }
        return grants.dropFirst().reduce(first.rights) { $0.union($1.rights) }
    }

    func accountHolders(on host: String, at time: Timestamp) throws -> [AccountHolder] {
        _ = try self.host(host)
        return try users().filter { $0.state == .active }.compactMap { user in
            try holder(user, on: host, at: time)
        }
    }

    /// What an account of this user on the host needs; nil: none.
    func holder(_ user: User, on host: String, at time: Timestamp) throws -> AccountHolder? {
        guard user.state == .active,
            let rights = Self.merged(try grants(of: user, on: host, at: time))
        else { return nil }
        return AccountHolder(
            user: user, groups: try groups(of: user.uid), keys: try keys(of: user.name), rights: rights)
    }
}

extension PortSet {
    /// From the database; what is not understood there permits nothing.
    fileprivate init(stored text: String) {
        self = text == PortSet.all.text ? .all : PortSet(text) ?? .none
    }
}
