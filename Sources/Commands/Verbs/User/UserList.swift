import Directory
import Support

/// Lists people: `gatehouse user list [--json]`.
package struct UserList: DaemonCommand {
    package static let words = ["user", "list"]
    package static let summary = "List people, also who has left"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let users = try context.directory.users().map {
            (user: $0, groups: try context.directory.groups(of: $0.name).map(\.name))
        }
        var table = Table("NAME", "UID", "STATE", "ROLE", "GROUPS", "FULL NAME")
        for (user, groups) in users {
            table.add(
                user.name, String(user.uid), user.state.rawValue, user.role.rawValue,
                groups.joined(separator: ","), user.fullName)
        }
        let list = users.map { user, groups in
            JSON.object(user.json.merging(["groups": .strings(groups)]) { $1 })
        }
        return try context.show(json: isJSON, ["users": .array(list)], text: table.text)
    }
}
