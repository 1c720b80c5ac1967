import Audit
import Ownership
import Support

/// Lists what was done in a session: `gatehouse session files ID`.
package struct SessionFiles: DaemonCommand {
    package static let words = ["session", "files"]
    package static let summary = "List what a session did to files, also after its end"
    package static let usage = "ID [--limit N] [--json]"
    package static let audience = Audience.everyone

    private let id: String
    private let limit: Int
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        limit = try words.limit(100, most: 100_000)
        id = try words.positional("ID")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let session = try context.services.events.session(id)
        let isOwn = session?.user != nil && session?.user == context.caller.userName
        // Whether there is a session of others is none of a user's business.
        guard let session, isOwn || context.caller.isAuditor else { throw CommandError.noSession(id) }
        let question = try FileQuestion(context)
        let trees = try question.trees()
        let moments = try question.ask { book in
            try book.changes(
                from: session.started.microseconds - 1_000_000, session: session.id, limit: limit
            ) { try question.mayKnow($0, book, trees) }
        }
        let table = MomentTable(question, context)
        return try context.show(
            json: isJSON, ["changes": table.json(moments), "session": .string(session.id)],
            text: table.text(moments))
    }
}
