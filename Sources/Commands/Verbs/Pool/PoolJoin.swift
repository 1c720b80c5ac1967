package import Directory

/// Puts hosts into a pool: `gatehouse pool join POOL HOST...`.
package enum PoolJoin: MembershipChange {
    package static let words = ["pool", "join"]
    package static let summary = "Put hosts into a pool, all or none"
    package static let examples: [String] = ["pool join communal communal1 communal2"]
    package static let nouns = (whole: "pool", member: "host")
    package static let outcome = "now in"

    package static func perform(_ members: [String], _ whole: String, in directory: DirectoryStore) throws {
        try directory.join(members, to: whole)
    }
}
