import Accounts
import Directory
import Sharing
import Watchers

/// What became of a tree's folder on each host.
struct TreeOutcomes {
    struct Line {
        let host: String
        let outcome: Result<SharingService.TreeOutcome, any Error>
    }

    let tree: Tree
    let lines: [Line]

    /// Makes it on the host that walks the tree first: with a shared file system it is there for the others then.
    ///
    /// - Throws: what went wrong at that first host; the other hosts have lines of their own.
    static func make(_ tree: Tree, adopts: Bool, in context: CommandContext) throws -> [Line] {
        let work = context.services.hostWork
        guard let first = tree.scanner else {
            throw CommandError(.failure, "no host has the tree \(tree.path)", hint: "see 'tree set'")
        }
        var lines = [
            Line(host: first, outcome: .success(try work.sharing.make(tree, on: first, adopts: adopts)))
        ]
        let others = tree.hosts.filter { $0 != first }
        for (host, outcome) in HostChoice.atEach(
            of: others, { try work.sharing.make(tree, on: $0, adopts: adopts) })
        {
            lines.append(Line(host: host, outcome: outcome))
        }
        try tellWatchers(on: tree.hosts, in: context)
        return lines
    }

    /// Has the watchers on hosts know what their trees are.
    static func tellWatchers(on hosts: [String], in context: CommandContext) throws {
        let work = context.services.hostWork
        let watched = Set(try context.directory.watchKeys().map(\.host))
        let told = HostChoice.atEach(of: hosts.filter(watched.contains)) {
            try work.watchers.updateTrees(on: $0)
        }
        for (host, outcome) in told {
            if case .failure(let error) = outcome {
                let why = ErrorReport(for: error).reasons.joined(separator: "; ")
                try context.terminal.errLine("the watcher on \(host) was not told: \(why)")
            }
        }
    }

    func show(in context: CommandContext, json isJSON: Bool) throws -> ExitCode {
        var table = Table("HOST", "RESULT", "REMARK")
        var list: [JSON] = []
        var failures: [String] = []
        for line in lines {
            var result: String
            var remark = ""
            switch line.outcome {
            case .success(let outcome):
                result = outcome.made ? "made" : outcome.changed ? "changed" : "unchanged"
                remark = outcome.remarks.joined(separator: "; ")
            case .failure(let error):
                result = "failed"
                remark = ErrorReport(for: error).reasons.joined(separator: "; ")
                failures.append(line.host)
            }
            table.add(line.host, result, remark)
            list.append(
                .object([
                    "host": .string(line.host), "result": .string(result), "remark": .string(remark),
                ]))
        }
        _ = try context.show(
            json: isJSON, ["tree": .object(tree.json), "hosts": .array(list)], text: table.text)
        guard failures.isEmpty else {
            throw CommandError(
                .failure,
                "\(failures.count) of \(lines.count) hosts failed: \(failures.joined(separator: ", "))",
                hint: "'gatehouse tree apply \(tree.path)' tries again")
        }
        return .success
    }
}

extension Tree {
    var json: [String: JSON] {
        [
            "path": .string(path), "group": .text(group?.name), "on": .strings(targets),
            "hosts": .strings(hosts), "scanner": .text(scanner), "created": .time(created),
        ]
    }
}
