package import Directory

/// Ends memberships: `gatehouse group remove-member GROUP USER...`.
package enum GroupRemoveMember: MembershipChange {
    package static let words = ["group", "remove-member"]
    package static let summary = "End memberships in a group, all or none"
    package static let examples: [String] = ["group remove-member lab bob"]
    package static let nouns = (whole: "group", member: "user")
    package static let outcome = "no longer in"

    package static func perform(_ members: [String], _ whole: String, in directory: DirectoryStore) throws {
        try directory.removeMembers(members, from: whole)
    }
}
