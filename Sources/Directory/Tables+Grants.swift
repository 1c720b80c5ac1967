internal import SQLite
internal import Support

extension Tables {
    /// Grants with the names of both sides; a WHERE clause may follow.
    private static let grantColumns = """
        SELECT a.id, s.kind, s.name, t.kind, t.name, a.sudo, a.forwarding, a.agent, a.record, a.until, a.created,
            a.wake
        FROM grants a JOIN numbers s ON s.number = coalesce(a.uid, a.gid) JOIN targets t ON t.name = a.target
        """

    /// The grants of the user ?1 and of the user's groups that hold at the moment ?2.
    private static let ofUser = """
        (a.uid = ?1 OR a.gid IN (SELECT gid FROM memberships WHERE uid = ?1)) AND (a.until IS NULL OR a.until > ?2)
        """

    private static func grant(_ row: Statement) -> Grant {
        Grant(
            id: row.integer(0),
            subject: row.text(1) == "user" ? .user(row.text(2)) : .group(row.text(2)),
            target: row.text(3) == "host" ? .host(row.text(4)) : .pool(row.text(4)),
            rights: Rights(
                sudo: row.boolean(5), forwarding: row.boolean(6), agent: row.boolean(7),
                record: row.boolean(8), wake: row.boolean(11)),
            until: row.optional(9, row.timestamp), created: row.timestamp(10))
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
        _ subject: GrantSubject, to target: GrantTarget, _ rights: Rights, until: Timestamp?,
        at time: Timestamp,
        id wanted: Int64? = nil
    ) throws -> Grant {
        var uid: UInt32?
        var gid: UInt32?
        switch subject {
        case .user(let name): uid = try presentUser(name).uid
        case .group(let name): gid = try group(name).gid
        }
        let targetName: String
        switch target {
        case .host(let name): targetName = try host(name).name
        case .pool(let name): targetName = try pool(name).name
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
            INSERT INTO grants (id, uid, gid, target, sudo, forwarding, agent, record, until, created, wake)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """, id, uid, gid, targetName, rights.sudo, rights.forwarding, rights.agent, rights.record,
            until?.wholeSeconds, time.wholeSeconds, rights.wake)
        return try grant(id)
    }

    func removeGrant(_ id: Int64) throws {
        _ = try grant(id)
        try database.run("DELETE FROM grants WHERE id = ?1", id)
    }

    /// All that hold for the user at `time`, the user's own and those of the groups.
    func grants(of user: User, at time: Timestamp) throws -> [Grant] {
        try database.rows(
            "\(Self.grantColumns) WHERE \(Self.ofUser) ORDER BY a.id", [user.uid, time], Self.grant)
    }

    /// Those of them that lead to the host, directly or by a pool.
    func grants(of user: User, on host: String, at time: Timestamp) throws -> [Grant] {
        try database.rows(
            """
            \(Self.grantColumns) WHERE \(Self.ofUser)
            AND (a.target = ?3 OR a.target IN (SELECT pool FROM pool_members WHERE host = ?3)) ORDER BY a.id
            """, [user.uid, time, host], Self.grant)
    }

    func access(of user: User, to host: Host, at time: Timestamp) throws -> Access? {
        guard user.state == .active, host.state == .active else { return nil }
        let grants = try grants(of: user, on: host.name, at: time)
        guard let rights = Self.merged(grants) else { return nil }
        let ends = grants.compactMap(\.until)
        return Access(
            user: user, host: host, rights: rights, until: ends.count == grants.count ? ends.max() : nil,
            grants: grants.map(\.id))
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
