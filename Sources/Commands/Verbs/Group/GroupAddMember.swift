package import Directory

/// Makes people members of a group: `gatehouse group add-member GROUP USER...`.
package enum GroupAddMember: MembershipChange {
    package static let words = ["group", "add-member"]
    package static let summary = "Make people members of a group, all or none"
    package static let examples: [String] = ["group add-member lab alice bob"]
    package static let nouns = (whole: "group", member: "user")
    package static let outcome = "now in"

    package static func perform(_ members: [String], _ whole: String, in directory: DirectoryStore) throws {
        try directory.addMembers(members, to: whole)
    }
}
