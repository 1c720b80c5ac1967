import Directory

/// Takes a grant back: `gatehouse grant remove ID`.
package struct GrantRemove: DaemonCommand {
    package static let words = ["grant", "remove"]
    package static let summary = "Take a grant back; sessions that need it end"
    package static let usage = "ID"
    package static let examples = ["grant remove 7"]

    private let id: Int64

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let text = try words.positional("ID")
        guard let id = Int64(text) else { throw UsageError("ID is a number of 'grant list', not '\(text)'") }
        self.id = id
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let grant = try context.directory.grant(id)
        try context.directory.removeGrant(id)
        return try context.done(
            Change(Self.self, grant.record),
            "grant \(id) removed: \(grant.subject.text) to \(grant.target.text)")
    }
}
