package import Directory

/// Takes hosts out of a pool: `gatehouse pool leave POOL HOST...`.
package enum PoolLeave: MembershipChange {
    package static let words = ["pool", "leave"]
    package static let summary = "Take hosts out of a pool, all or none"
    package static let examples: [String] = ["pool leave communal communal1 communal2"]
    package static let nouns = (whole: "pool", member: "host")
    package static let outcome = "no longer in"

    package static func perform(_ members: [String], _ whole: String, in directory: DirectoryStore) throws {
        try directory.leave(members, from: whole)
    }
}
