import Directory
import Support

/// Lists trusted CAs: `gatehouse ca list [--json]`.
package struct AuthorityList: DaemonCommand {
    package static let words = ["ca", "list"]
    package static let summary = "List the CAs whose user certificates open logins"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let authorities = try context.directory.authorities()
        var table = Table("NAME", "TYPE", "FINGERPRINT", "MAY NAME", "ADDED")
        for authority in authorities {
            table.add(
                authority.name, authority.material.type, authority.material.fingerprint, authority.scope,
                authority.added.description)
        }
        return try context.show(
            json: isJSON, ["authorities": .array(authorities.map(\.json))], text: table.text)
    }
}

extension TrustedAuthority {
    fileprivate var json: JSON {
        .object([
            "name": .string(name), "type": .string(material.type),
            "fingerprint": .string(material.fingerprint), "users": .strings(users),
            "groups": .strings(groups), "added": .time(added),
        ])
    }
}
