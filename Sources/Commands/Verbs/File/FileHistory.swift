import Ownership
import Support

/// Tells a file's life: `gatehouse file history PATH`.
package struct FileHistory: DaemonCommand {
    package static let words = ["file", "history"]
    package static let summary = "Tell what happened to a file, through its renames, newest first"
    package static let usage = "PATH [--limit N] [--escaped] [--json]"
    package static let examples = ["file history /shared/lab/results.csv"]
    package static let audience = Audience.everyone

    private let path: FilePath
    private let limit: Int
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        let isEscaped = words.flag("--escaped")
        limit = try words.limit(100, most: 10_000)
        path = try FilePath(try words.positional("PATH"), isEscaped: isEscaped)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        let (tree, relative) = try question.place(path)
        let moments = try question.ask { book in
            guard try question.mayKnow(relative, in: tree, book) else { return nil as [FileMoment]? }
            let moments = try book.history(of: relative, in: tree, limit: limit)
            if moments.isEmpty, try book.owner(of: relative, in: tree) == nil { return nil }
            // Where it was before may be a place that the asker may not look into.
            return try moments.filter { try question.mayKnow($0, book, [tree]) }
        }
        guard let moments else { throw question.noFile(path) }
        let gaps = try question.gaps(in: tree.path, since: moments.last?.time ?? tree.scanned)
        var document: [String: JSON] = [
            "moments": .array(
                try moments.map {
                    .object($0.json(question.names, try question.session(of: $0, in: context)))
                }),
            "gaps": .array(gaps.map { .object($0.json) }),
        ]
        document.merge(JSON.path(path.bytes)) { $1 }
        let text =
            moments.isEmpty
            ? "nothing happened to it since the book began\n"
            : MomentTable(question, context).text(moments)
        let code = try context.show(json: isJSON, ["file": .object(document)], text: text)
        if !isJSON { try question.remark(gaps) }
        return code
    }
}
