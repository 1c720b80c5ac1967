import Directory

/// Shows a shared group: `gatehouse group show NAME [--json]`.
package struct GroupShow: DaemonCommand {
    package static let words = ["group", "show"]
    package static let summary = "Show a shared group, its members and grants"
    package static let usage = "NAME [--json]"
    package static let audience = Audience.auditor

    private let name: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        (name, isJSON) = try words.name(with: "--json")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let group = try context.directory.group(name)
        let members = try context.directory.members(of: name)
        let grants = try context.directory.grants().filter { $0.subject == .group(name) }

        var document = group.json
        document["members"] = .strings(members)
        document["grants"] = .array(grants.map(\.json))

        var text = Details()
        text.add("name", group.name)
        text.add("gid", String(group.gid))
        text.add("members", members.joined(separator: ", "))
        text.add("grants", each: grants.map { "\($0.id): \($0.target.text)" })
        return try context.show(json: isJSON, ["group": .object(document)], text: text.text)
    }
}
