import Directory

/// Makes people members of a group: `gatehouse group add-member GROUP USER...`.
package struct GroupAddMember: DaemonCommand {
    package static let words = ["group", "add-member"]
    package static let summary = "Make people members of a group, all or none"
    package static let usage = "GROUP USER..."
    package static let examples = ["group add-member lab alice bob"]

    private let group: String
    private let users: [String]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        group = try words.positional("GROUP")
        users = try words.positionals("USER")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.addMembers(users, to: group)
        return try context.done(
            Change(Self.self, ["group": group, "users": users.joined(separator: ",")]),
            "now in group \(group): \(users.joined(separator: ", "))")
    }
}
