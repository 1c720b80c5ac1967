import Directory
import Support

/// Says who the caller is: `whoami [--json]`.
package struct WhoAmI: DaemonCommand {
    package static let words = ["whoami"]
    package static let summary = "Say who you are here"
    package static let usage = "[--json]"
    package static let audience = Audience.everyone

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        var text = Details()
        guard case .user(let name, let role, let session, let address, _) = context.caller else {
            text.add("operator", context.caller.description)
            text.add("role", "admin")
            return try context.show(
                json: isJSON, ["user": .null, "admin": .boolean(true)], text: text.text)
        }
        let user = try context.directory.user(name)
        let groups = try context.directory.groups(of: name).map(\.name)
        text.add("user", name)
        text.add("full name", user.fullName)
        text.add("uid", String(user.uid))
        text.add("groups", groups.joined(separator: ", "))
        text.add("role", role.rawValue)
        text.add("session", session)
        text.add("from", address)
        let document: [String: JSON] = [
            "user": .string(name), "full_name": .string(user.fullName), "uid": .integer(user.uid),
            "groups": .strings(groups), "admin": .boolean(role == .admin), "role": .string(role.rawValue),
            "session": .string(session),
            "address": .string(address),
        ]
        return try context.show(json: isJSON, document, text: text.text)
    }
}
