import Directory
import Support

/// Shows a person: `gatehouse user show NAME [--json]`.
package struct UserShow: DaemonCommand {
    package static let words = ["user", "show"]
    package static let summary = "Show a person, their keys and where they may go"
    package static let usage = "NAME [--json]"
    package static let audience = Audience.auditor

    private let name: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        (name, isJSON) = try words.name(with: "--json")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let user = try context.directory.user(name)
        let groups = try context.directory.groups(of: name).map(\.name)
        let keys = try context.directory.keys(of: name)
        let hosts = try context.directory.reachableHosts(of: name)

        var document = user.json
        document["groups"] = .strings(groups)
        document["keys"] = .array(keys.map(\.json))
        document["hosts"] = .strings(hosts.map(\.host.name))

        var text = Details()
        text.add("name", user.name)
        text.add("full name", user.fullName)
        text.add("uid", String(user.uid))
        text.add("shell", user.shell)
        text.add("state", user.state.rawValue)
        text.add("role", user.role.rawValue)
        text.add("groups", groups.joined(separator: ", "))
        text.add("keys", each: keys.map { "\($0.material.type) \($0.material.fingerprint) \($0.comment)" })
        text.add("hosts", hosts.map(\.host.name).joined(separator: ", "))
        text.add("added", user.created.description)
        return try context.show(json: isJSON, ["user": .object(document)], text: text.text)
    }
}
