import Directory
import Sharing
import Support

/// Makes a shared folder known, and makes it: `gatehouse tree add PATH …`.
package struct TreeAdd: DaemonCommand {
    package static let words = ["tree", "add"]
    package static let summary = "Make a shared folder in which a group works together, and watch over it"
    package static let usage =
        "PATH [--group GROUP] [--on HOST|POOL]... [--scan HOST] [--adopt] [--json]"
    package static let examples = [
        "tree add /shared/lab --group lab", "tree add /data --on gpu1 --on communal --scan gpu1",
    ]

    private let tree: NewTree
    private let adopts: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        adopts = words.flag("--adopt")
        let group = try words.option("--group")
        let targets = try words.options("--on")
        let scanner = try words.option("--scan")
        let path = try words.positional("PATH")
        try words.finish()
        tree = NewTree(path, group: group, targets: targets, scanner: scanner)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        var new = tree
        if new.targets.isEmpty { new.targets = try targetsOfGroup(in: context.directory) }
        let tree = try context.directory.addTree(new, at: context.services.now())
        let outcomes: [TreeOutcomes.Line]
        do {
            outcomes = try TreeOutcomes.make(tree, adopts: adopts, in: context)
        } catch {
            // Nothing was made anywhere: as if it had not been asked for.
            try? context.directory.removeTree(tree.path)
            throw error
        }
        var detail = ["path": tree.path, "on": tree.targets.joined(separator: ",")]
        detail["group"] = tree.group?.name
        try context.record(Change(Self.self, detail))
        return try TreeOutcomes(tree: tree, lines: outcomes).show(in: context, json: isJSON)
    }

    /// Where the group may go, when nothing was said.
    private func targetsOfGroup(in directory: DirectoryStore) throws -> [String] {
        guard let group = tree.group else {
            throw UsageError("--on is missing", hint: "name the hosts or pools that have \(tree.path)")
        }
        let targets = try directory.grants().compactMap { grant -> String? in
            guard grant.subject == .group(group) else { return nil }
            switch grant.target {
            case .host(let name), .pool(let name): return name
            case .all: return nil
            }
        }
        guard !targets.isEmpty else {
            throw CommandError(
                .failure, "nothing is granted to the group '\(group)', so it is not known where the tree is",
                hint: "name hosts or pools with --on")
        }
        return Array(Set(targets)).sorted()
    }
}

/// Makes a tree's folder again where it is missing: `gatehouse tree apply PATH [--adopt] [--json]`.
package struct TreeApply: DaemonCommand {
    package static let words = ["tree", "apply"]
    package static let summary = "Make a tree's folder on its hosts, and tell their watchers"
    package static let usage = "PATH [--adopt] [--json]"

    private let path: String
    private let adopts: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        adopts = words.flag("--adopt")
        path = try words.positional("PATH")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let tree = try context.directory.tree(path)
        let outcomes = try TreeOutcomes.make(tree, adopts: adopts, in: context)
        try context.record(Change(Self.self, ["path": tree.path]))
        return try TreeOutcomes(tree: tree, lines: outcomes).show(in: context, json: isJSON)
    }
}
