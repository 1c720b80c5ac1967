import Directory

/// Ends memberships: `gatehouse group remove-member GROUP USER...`.
package struct GroupRemoveMember: DaemonCommand {
    package static let words = ["group", "remove-member"]
    package static let summary = "End memberships in a group, all or none"
    package static let usage = "GROUP USER..."

    private let group: String
    private let users: [String]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        group = try words.positional("GROUP")
        users = try words.positionals("USER")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.removeMembers(users, from: group)
        return try context.done(
            Change(Self.self, ["group": group, "users": users.joined(separator: ",")]),
            "no longer in group \(group): \(users.joined(separator: ", "))")
    }
}
