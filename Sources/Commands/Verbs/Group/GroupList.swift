import Directory

/// Lists shared groups: `gatehouse group list [--json]`.
package struct GroupList: DaemonCommand {
    package static let words = ["group", "list"]
    package static let summary = "List shared groups"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        var table = Table("NAME", "GID", "MEMBERS")
        var list: [JSON] = []
        for group in try context.directory.groups() {
            let members = try context.directory.members(of: group.name)
            table.add(group.name, String(group.gid), members.joined(separator: ","))
            list.append(.object(group.json.merging(["members": .strings(members)]) { $1 }))
        }
        return try context.show(json: isJSON, ["groups": .array(list)], text: table.text)
    }
}
