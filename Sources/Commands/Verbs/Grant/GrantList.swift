import Directory
import Support

/// Lists grants: `gatehouse grant list [--json]`.
package struct GrantList: DaemonCommand {
    package static let words = ["grant", "list"]
    package static let summary = "List who may reach what"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let grants = try context.directory.grants()
        let now = context.services.now()
        var table = Table("ID", "WHO", "MAY REACH", "RIGHTS", "UNTIL", "ONLY")
        for grant in grants {
            let end = grant.until.map { $0 <= now ? "\($0) (over)" : "\($0)" } ?? ""
            table.add(
                String(grant.id), grant.subject.text, grant.target.text, grant.rights.text,
                end, grant.onlyText)
        }
        return try context.show(json: isJSON, ["grants": .array(grants.map(\.json))], text: table.text)
    }
}
