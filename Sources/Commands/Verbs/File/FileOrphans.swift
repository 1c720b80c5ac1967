import Directory
import Ownership
import Support

/// Lists what nobody is there for: `gatehouse file orphans`.
package struct FileOrphans: DaemonCommand {
    /// Below are accounts of the system, which are no people.
    private static let firstPerson: UInt32 = 1_000

    package static let words = ["file", "orphans"]
    package static let summary = "List uids that own files and have no person here, or one who has left"
    package static let usage = "[--tree PATH] [--json]"
    package static let audience = Audience.auditor

    private let tree: FilePath?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        tree = try words.tree()
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        let trees = try question.trees(tree)
        let usage = try question.ask { book in try trees.flatMap { try book.usage(of: $0.id) } }
        let paths = Dictionary(uniqueKeysWithValues: trees.map { ($0.id, $0.path) })
        var sums: [Orphan: Figures] = [:]
        for row in usage where row.uid >= Self.firstPerson && row.figures.files + row.figures.directories > 0
        {
            let user = question.names.user(row.uid)
            guard user == nil || user?.state == .left else { continue }
            let key = Orphan(uid: row.uid, tree: row.tree)
            sums[key] = (sums[key] ?? Figures()) + row.figures
        }
        var table = Table("UID", "PERSON", "FILES", "SIZE", "TREE")
        var list: [JSON] = []
        for (orphan, figures) in sums.sorted(by: {
            ($1.value.bytes, $0.key.uid) < ($0.value.bytes, $1.key.uid)
        }) {
            let user = question.names.user(orphan.uid)
            let path = paths[orphan.tree] ?? []
            var fields = figures.json
            fields["uid"] = .integer(orphan.uid)
            fields["user"] = .text(user?.name)
            fields["reason"] = .string(user == nil ? "no-person" : "left")
            fields.merge(JSON.path(path, as: "tree")) { $1 }
            list.append(.object(fields))
            table.add(
                String(orphan.uid), user.map { "\($0.name), who has left" } ?? "nobody",
                Quantities.count(figures.files), Quantities.size(figures.bytes), PathText.shown(path))
        }
        return try context.show(json: isJSON, ["orphans": .array(list)], text: table.text)
    }

    private struct Orphan: Hashable {
        var uid: UInt32
        var tree: TreeID
    }
}
