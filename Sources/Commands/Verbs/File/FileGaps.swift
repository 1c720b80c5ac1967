import FileEvents
import Ownership
import Support

/// Lists when nobody watched: `gatehouse file gaps`.
package struct FileGaps: DaemonCommand {
    package static let words = ["file", "gaps"]
    package static let summary = "List when nobody watched, and how much of what changed is explained"
    package static let usage = "[--since TIME] [--json]"
    package static let audience = Audience.auditor

    private let since: EndTime
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        since = try words.past("--since") ?? .after(.seconds(30 * 86_400))
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let now = context.services.now()
        let start = since.resolved(before: now).microseconds
        let answer = try context.services.book.ask { book in
            (
                gaps: try book.gaps(from: start), trees: try book.treeCoverage(),
                figure: try book.coverageFigure(from: start, until: now.microseconds)
            )
        }
        var table = Table("FROM", "UNTIL", "HOST", "TREE", "REASON", "LOST", "SCANNED SINCE")
        for gap in answer.gaps {
            table.add(
                Timestamp(microseconds: gap.since).description,
                Timestamp(microseconds: gap.until).description,
                gap.host, gap.tree.map { PathText.shown($0) } ?? "all", gap.reason.text,
                gap.lost.map { String($0) } ?? "", gap.isClosed ? "yes" : "no")
        }
        var watching = Table("TREE", "HOST", "WATCHED", "FILE SYSTEM", "SINCE")
        for tree in answer.trees {
            watching.add(
                PathText.shown(tree.tree), tree.host, tree.extent.text, tree.fileSystem,
                Timestamp(microseconds: tree.since).description)
        }
        let figure = answer.figure
        let document: [String: JSON] = [
            "gaps": .array(answer.gaps.map { .object($0.json) }),
            "trees": .array(answer.trees.map { .object($0.json) }),
            "coverage": .object([
                "events": .number(figure.events), "explained_differences": .number(figure.explained),
                "unexplained_differences": .number(figure.unexplained),
                "unexplained_millionths": .integer(figure.unexplainedMillionths),
            ]),
        ]
        return try context.show(
            json: isJSON, document,
            text: table.text + "\n" + watching.text + "\n" + Self.sentence(figure))
    }

    private static func sentence(_ figure: CoverageFigure) -> String {
        guard let share = figure.unexplainedMillionths else { return "nothing changed in this time\n" }
        let thousandths = share / 10
        let percent = "\(thousandths / 1_000).\(String(1_000 + thousandths % 1_000).dropFirst())"
        return "of \(Quantities.count(figure.events + figure.unexplained)) changes, "
            + "\(Quantities.count(figure.unexplained)) (\(percent) %) were found by scans alone\n"
    }
}

extension Coverage.Extent {
    fileprivate var text: String {
        switch self {
        case .none: "scans-only"
        case .closedWrites: "closed-writes"
        case .everything: "everything"
        }
    }
}

extension TreeCoverage {
    fileprivate var json: [String: JSON] {
        var fields: [String: JSON] = [
            "host": .string(host), "watched": .string(extent.text), "file_system": .string(fileSystem),
            "since": .time(microseconds: since),
        ]
        fields.merge(JSON.path(tree, as: "tree")) { $1 }
        return fields
    }
}
