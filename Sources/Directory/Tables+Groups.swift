internal import SQLite
internal import Support

extension Tables {
    private static let groupColumns =
        "SELECT g.gid, n.name, g.created FROM shared_groups g JOIN numbers n ON n.number = g.gid"

    static func group(_ row: Statement) -> Group {
        Group(gid: row.number(0), name: row.text(1), created: row.timestamp(2))
    }

    func groups() throws -> [Group] {
        try database.rows("\(Self.groupColumns) WHERE g.removed IS NULL ORDER BY n.name", [], Self.group)
    }

    /// Removed groups with the moment of their removal.
    func removedGroups() throws -> [(group: Group, removed: Timestamp)] {
        try database.rows(
            "SELECT g.gid, n.name, g.created, g.removed FROM shared_groups g JOIN numbers n ON n.number = g.gid "
                + "WHERE g.removed IS NOT NULL ORDER BY n.name"
        ) { (Self.group($0), $0.timestamp(3)) }
    }

    func findGroup(_ name: String) throws -> Group? {
        try database.first(
            "\(Self.groupColumns) WHERE n.name = ?1 AND g.removed IS NULL", [name], Self.group)
    }

    func group(_ name: String) throws -> Group {
        if let group = try findGroup(name) { return group }
        throw DirectoryError(
            .notFound, "there is no group \(Rules.quoted(name))", hint: "see 'gatehouse group list'")
    }

    func groups(of uid: UInt32) throws -> [Group] {
        try database.rows(
            "\(Self.groupColumns) JOIN memberships m ON m.gid = g.gid WHERE m.uid = ?1 ORDER BY n.name",
            [uid],
            Self.group)
    }

    /// Names, sorted.
    func members(of gid: UInt32) throws -> [String] {
        try database.rows(
            "SELECT n.name FROM memberships m JOIN numbers n ON n.number = m.uid WHERE m.gid = ?1 ORDER BY n.name",
            [gid]
        ) { $0.text(0) }
    }

    func addGroup(_ name: String, gid wanted: UInt32?, at time: Timestamp) throws -> Group {
        let gid = try claimNumber(wanted, kind: "group", name: name)
        try database.run("INSERT INTO shared_groups VALUES (?1, ?2, NULL)", gid, time.wholeSeconds)
        return try group(name)
    }

    func removeGroup(_ name: String, at time: Timestamp) throws {
        let gid = try group(name).gid
        try database.run("DELETE FROM memberships WHERE gid = ?1", gid)
        try database.run("DELETE FROM grants WHERE gid = ?1", gid)
        try database.run("UPDATE trees SET gid = NULL WHERE gid = ?1", gid)
        try database.run("UPDATE shared_groups SET removed = ?2 WHERE gid = ?1", gid, time.wholeSeconds)
    }

    func addMember(_ user: String, to group: String) throws {
        let gid = try self.group(group).gid
        let uid = try presentUser(user).uid
        try database.run("INSERT INTO memberships VALUES (?1, ?2) ON CONFLICT DO NOTHING", gid, uid)
    }

    func removeMember(_ user: String, from group: String) throws {
        let gid = try self.group(group).gid
        let uid = try self.user(user).uid
        if try database.run("DELETE FROM memberships WHERE gid = ?1 AND uid = ?2", gid, uid) == 0 {
            throw DirectoryError(.notFound, "'\(user)' is not in the group '\(group)'")
        }
    }
}
