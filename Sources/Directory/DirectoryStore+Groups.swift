package import Support

extension DirectoryStore {
    /// Shared groups by name, without removed ones.
    package func groups() throws -> [Group] {
        try read { try $0.groups() }
    }

    /// - Throws: `DirectoryError` `.notFound`.
    package func group(_ name: String) throws -> Group {
        try read { try $0.group(name) }
    }

    /// The shared groups of a user, by name.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func groups(of user: String) throws -> [Group] {
        try read { try $0.groups(of: try $0.user(user).uid) }
    }

    /// The names of a group's members, sorted.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func members(of group: String) throws -> [String] {
        try read { try $0.members(of: try $0.group(group).gid) }
    }

    /// Makes a shared group with a gid that no group and no user ever had.
    ///
    /// - Throws: `DirectoryError` `.invalidName`, `.reservedName`, `.nameTaken`, `.gidTaken`, `.outOfRange`, `.rangeExhausted`.
    package func addGroup(_ name: String, gid: UInt32? = nil, at time: Timestamp = .now) throws -> Group {
        try change { try $0.addGroup(name, gid: gid, at: time) }
    }

    /// Removes a group with its memberships and grants; its name and gid are not given out again.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removeGroup(_ name: String, at time: Timestamp = .now) throws {
        try change { try $0.removeGroup(name, at: time) }
    }

    /// Makes the users members, all or none; being one already is fine.
    ///
    /// - Throws: `DirectoryError` `.notFound`, `.userNotActive` for who has left.
    package func addMembers(_ users: [String], to group: String) throws {
        try change { tables in
            _ = try tables.group(group)
            for user in users { try tables.addMember(user, to: group) }
        }
    }

    /// Ends memberships, all or none.
    ///
    /// - Throws: `DirectoryError` `.notFound`, also for a user who is not a member.
    package func removeMembers(_ users: [String], from group: String) throws {
        try change { tables in
            _ = try tables.group(group)
            for user in users { try tables.removeMember(user, from: group) }
        }
    }
}
