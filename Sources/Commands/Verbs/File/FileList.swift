import FileEvents
import Ownership
import Support

/// Lists somebody's files: `gatehouse file list …`.
package struct FileList: DaemonCommand {
    package static let words = ["file", "list"]
    package static let summary = "List somebody's files, the biggest first"
    package static let usage =
        "[--user USER] [--larger SIZE] [--older TIME] [--tree PATH] [--limit N] [--json]"
    package static let examples = ["file list --user alice --larger 1G --older 90d"]
    package static let audience = Audience.everyone

    private let user: String?
    private let smallest: UInt64
    private let older: EndTime?
    private let tree: FilePath?
    private let limit: Int
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        user = try words.option("--user")
        smallest = try words.option("--larger").map(ByteCount.read) ?? 0
        older = try words.past("--older")
        tree = try words.tree()
        limit = try words.limit(100, most: 1_000_000)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        guard let name = user ?? context.caller.userName else {
            throw UsageError("--user is missing", hint: "you are nobody in the directory; say whose files")
        }
        let uid = try question.uid(name)
        let trees = try question.trees(tree)
        let writtenBefore = older.map { $0.resolved(before: question.now).microseconds * 1_000 }
        let files = try question.ask { book in
            try trees.flatMap { tree in
                try book.files(
                    ListingFilter(
                        uid: uid, smallest: smallest, writtenBefore: writtenBefore, tree: tree.id),
                    limit: limit + 1, for: question.viewer
                ).map { (tree: tree.path, file: $0) }
            }
        }.sorted { $0.file.stat.size > $1.file.stat.size }
        var table = Table("SIZE", "WRITTEN", "GROUP", "MODE", "PATH")
        var list: [JSON] = []
        for (tree, file) in files.prefix(limit) {
            let stat = file.stat
            let written = Timestamp(microseconds: stat.modified / 1_000)
            var fields: [String: JSON] = [
                "size": .integer(stat.size), "disk_bytes": .integer(stat.blocks &* 512),
                "modified": .time(written), "uid": .integer(stat.uid), "gid": .integer(stat.gid),
                "user": .text(question.names.userName(stat.uid)),
                "group": .text(question.names.groupName(stat.gid)),
                "mode": .string(String(stat.mode & 0o7777, radix: 8)),
            ]
            fields.merge(JSON.path(tree.joined(file.path))) { $1 }
            list.append(.object(fields))
            table.add(
                Quantities.size(Int64(clamping: stat.size)), Quantities.ago(written, at: question.now),
                question.names.groupName(stat.gid) ?? String(stat.gid), WriterText.permissions(stat.mode),
                PathText.shown(tree.joined(file.path)))
        }
        _ = try context.show(json: isJSON, ["files": .array(list)], text: table.text)
        if files.count > limit, !isJSON {
            try context.terminal.errLine("note: there are more; --limit \(limit * 10) shows more of them")
        }
        return .success
    }
}
