import Directory
import Support

/// Lists the trees: `gatehouse tree list [--json]`.
package struct TreeList: DaemonCommand {
    package static let words = ["tree", "list"]
    package static let summary = "List the shared folders that the book knows"
    package static let usage = "[--json]"
    package static let audience = Audience.everyone

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let trees = try context.directory.trees()
        var table = Table("PATH", "GROUP", "HOSTS", "SCANNED BY")
        for tree in trees {
            table.add(
                tree.path, tree.group?.name ?? "", tree.hosts.joined(separator: ","), tree.scanner ?? "")
        }
        return try context.show(
            json: isJSON, ["trees": .array(trees.map { .object($0.json) })], text: table.text)
    }
}

/// Shows a tree: `gatehouse tree show PATH [--json]`.
package struct TreeShow: DaemonCommand {
    package static let words = ["tree", "show"]
    package static let summary = "Show a tree, its hosts and who works in it"
    package static let usage = "PATH [--json]"
    package static let audience = Audience.auditor

    private let path: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        path = try words.positional("PATH")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let tree = try context.directory.tree(path)
        let members = try tree.group.map { try context.directory.members(of: $0.name) } ?? []
        let watched = Set(try context.directory.watchKeys().map(\.host)).intersection(tree.hosts).sorted()
        var document = tree.json
        document["members"] = .strings(members)
        document["watched_on"] = .strings(watched)
        var text = Details()
        text.add("path", tree.path)
        text.add("group", tree.group?.name ?? "")
        text.add("members", members.joined(separator: ", "))
        text.add("on", tree.targets.joined(separator: ", "))
        text.add("hosts", tree.hosts.joined(separator: ", "))
        text.add("watched on", watched.joined(separator: ", "))
        text.add("scanned by", tree.scanner ?? "")
        text.add("created", tree.created.description)
        return try context.show(json: isJSON, ["tree": .object(document)], text: text.text)
    }
}

/// Says anew where a tree is: `gatehouse tree set PATH …`.
package struct TreeSet: DaemonCommand {
    package static let words = ["tree", "set"]
    package static let summary = "Say which hosts have a tree, or which of them walks it"
    package static let usage = "PATH [--on HOST|POOL]... [--scan HOST]"
    package static let examples = ["tree set /shared/lab --scan communal2"]

    private let path: String
    private let targets: [String]
    private let scanner: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        targets = try words.options("--on")
        scanner = try words.option("--scan")
        path = try words.positional("PATH")
        try words.finish()
        if targets.isEmpty, scanner == nil { throw UsageError("nothing is to be changed") }
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let before = try context.directory.tree(path)
        let tree = try context.directory.setTree(
            path, targets: targets.isEmpty ? nil : targets, scanner: scanner)
        var detail = ["path": path, "on": tree.targets.joined(separator: ",")]
        detail["scanner"] = tree.scanner
        try context.record(Change(Self.self, detail))
        try TreeOutcomes.tellWatchers(on: Array(Set(before.hosts + tree.hosts)).sorted(), in: context)
        try context.terminal.outLine(
            "tree \(path) is on \(tree.hosts.joined(separator: ", ")), scanned by \(tree.scanner ?? "nobody")"
        )
        return .success
    }
}

/// Forgets a tree: `gatehouse tree remove PATH [--yes]`.
package struct TreeRemove: DaemonCommand {
    package static let words = ["tree", "remove"]
    package static let summary = "Watch over a tree no more; its files are not touched"
    package static let usage = "PATH [--yes]"

    private let path: String
    private let isConfirmed: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isConfirmed = words.flag("--yes")
        path = try words.positional("PATH")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let tree = try context.directory.tree(path)
        try context.confirm(
            "\(path) is not watched any more on \(tree.hosts.joined(separator: ", ")). Go on?",
            unless: isConfirmed)
        try context.directory.removeTree(path)
        try context.record(Change(Self.self, ["path": path]))
        try TreeOutcomes.tellWatchers(on: tree.hosts, in: context)
        try context.terminal.outLine("tree \(path) removed; its files stay")
        return .success
    }
}
