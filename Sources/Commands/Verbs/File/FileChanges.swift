import Ownership
import Support

/// Lists what happened: `gatehouse file changes …`.
package struct FileChanges: DaemonCommand {
    package static let words = ["file", "changes"]
    package static let summary = "List what happened to files, newest first"
    package static let usage = "[--since TIME] [--user USER] [--tree PATH] [--limit N] [--json]"
    package static let examples = ["file changes --since 2d --user alice"]
    package static let audience = Audience.everyone

    private let since: EndTime
    private let user: String?
    private let tree: FilePath?
    private let limit: Int
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        since = try words.past("--since") ?? .after(.seconds(86_400))
        user = try words.option("--user")
        tree = try words.tree()
        limit = try words.limit(100, most: 100_000)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        let person = try user.map(question.uid)
        let trees = try question.trees(tree)
        let start = since.resolved(before: question.now).microseconds
        let moments = try question.ask { book in
            try book.changes(from: start, person: person, limit: limit) { moment in
                try question.mayKnow(moment, book, trees)
            }
        }
        let gaps = try question.gaps(in: tree?.bytes, since: start)
        let table = MomentTable(question, context)
        let code = try context.show(
            json: isJSON,
            ["changes": table.json(moments), "gaps": .array(gaps.map { .object($0.json) })],
            text: table.text(moments))
        if !isJSON { try question.remark(gaps) }
        return code
    }
}
