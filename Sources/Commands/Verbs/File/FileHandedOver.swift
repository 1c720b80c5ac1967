import Ownership
import Support

/// Lists what changed hands: `gatehouse file handed-over …`.
package struct FileHandedOver: DaemonCommand {
    package static let words = ["file", "handed-over"]
    package static let summary = "List files that became somebody else's, newest first"
    package static let usage = "[--since TIME] [--tree PATH] [--limit N] [--json]"
    package static let examples = ["file handed-over --since 30d"]
    package static let audience = Audience.everyone

    private let since: EndTime
    private let tree: FilePath?
    private let limit: Int
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        since = try words.past("--since") ?? .after(.seconds(30 * 86_400))
        tree = try words.tree()
        limit = try words.limit(100, most: 100_000)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        let trees = try question.trees(tree)
        let start = since.resolved(before: question.now).microseconds
        let moments = try question.ask { book in
            try book.changes(from: start, kinds: [.ownerChanged], limit: limit) { moment in
                try question.mayKnow(moment, book, trees)
            }
        }
        let gaps = try question.gaps(in: tree?.bytes, since: start)
        let words = WriterText(names: question.names)
        var table = Table("WHEN", "FROM", "TO", "BY", "HOST", "PATH")
        for moment in moments {
            table.add(
                words.time(moment), moment.before.map { owner($0, question.names) } ?? "unknown",
                moment.after.map { owner($0, question.names) } ?? "unknown", words.doer(moment),
                moment.host ?? "", PathText.shown(moment.tree.joined(moment.path)))
        }
        let code = try context.show(
            json: isJSON,
            [
                "changes": MomentTable(question, context).json(moments),
                "gaps": .array(gaps.map { .object($0.json) }),
            ], text: table.text)
        if !isJSON { try question.remark(gaps) }
        return code
    }

    private func owner(_ attributes: FileMoment.Attributes, _ names: PeopleNames) -> String {
        let user = names.userName(attributes.uid) ?? String(attributes.uid)
        return "\(user):\(names.groupName(attributes.gid) ?? String(attributes.gid))"
    }
}
