import Ownership
import Support

/// Says how much who has: `gatehouse file usage …`.
package struct FileUsage: DaemonCommand {
    private enum Key: String, CaseIterable {
        case user, group, dir
    }

    package static let words = ["file", "usage"]
    package static let summary = "Say how much everybody has, now or then, with bars"
    package static let usage = "[PATH] [--by user|group|dir] [--at TIME] [--since TIME] [--escaped] [--json]"
    package static let examples = [
        "file usage", "file usage /shared/lab --by dir", "file usage --by user --since 7d",
    ]
    package static let audience = Audience.everyone

    private let path: FilePath?
    private let key: Key
    private let moment: EndTime?
    private let since: EndTime?
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        let isEscaped = words.flag("--escaped")
        let by = try words.option("--by") ?? "user"
        guard let key = Key(rawValue: by) else {
            throw UsageError("there is no usage by '\(by)'", hint: "there are user, group and dir")
        }
        self.key = key
        moment = try words.past("--at")
        since = try words.past("--since")
        if key == .dir, moment != nil || since != nil {
            throw UsageError(
                "what directories held at other times is not kept", hint: "leave --at and --since away")
        }
        if let text = try words.optionalPositional() {
            path = try FilePath(text, isEscaped: isEscaped)
        } else {
            path = nil
        }
        try words.finish()
    }

    /// A line of the answer.
    private struct Row {
        var label: String
        var json: [String: JSON]
        var figures: Figures
        var before: Figures?
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        let rows = key == .dir ? try byDirectory(question) : try byOwner(question)
        var document: [String: JSON] = [
            "by": .string(key.rawValue),
            "usage": .array(
                rows.map { row in
                    var fields = row.figures.json.merging(row.json) { $1 }
                    if let before = row.before {
                        fields["bytes_before"] = .number(before.bytes)
                        fields["files_before"] = .number(before.files)
                    }
                    return .object(fields)
                }),
        ]
        if let since { document["since"] = .time(since.resolved(before: question.now)) }
        return try context.show(
            json: isJSON, document, text: text(rows, columns: context.terminal.columns))
    }

    private func text(_ rows: [Row], columns: Int) -> String {
        let label = key == .user ? "USER" : key == .group ? "GROUP" : "DIRECTORY"
        guard since != nil else {
            var chart = BarChart(label, "SIZE", "ON DISK", "FILES")
            for row in rows {
                chart.add(
                    row.label, Quantities.size(row.figures.bytes), Quantities.size(row.figures.blocks &* 512),
                    Quantities.count(row.figures.files), value: row.figures.bytes)
            }
            return chart.text(columns: columns)
        }
        var chart = BarChart(label, "SIZE", "CHANGE", "FILES")
        for row in rows {
            let change = row.figures.bytes - (row.before?.bytes ?? 0)
            let sign = change < 0 ? "-" : "+"
            chart.add(
                row.label, Quantities.size(row.figures.bytes),
                sign + Quantities.size(Int64(clamping: change.magnitude)),
                Quantities.count(row.figures.files), value: Int64(clamping: change.magnitude))
        }
        return chart.text(columns: columns)
    }

    // MARK: By user and group

    private func byOwner(_ question: FileQuestion) throws -> [Row] {
        let trees = try question.trees(path)
        let now = try usage(of: trees, at: moment, question)
        var sums = sum(now)
        var before: [UInt32: Figures] = [:]
        if let since {
            before = sum(try usage(of: trees, at: since, question))
            // Who had something and has nothing any more is news too.
            for number in before.keys where sums[number] == nil { sums[number] = Figures() }
        }
        if case .person(let uid, let groups) = question.viewer {
            // What others have in all, permissions of directories do not tell.
            sums = sums.filter { key == .user ? $0.key == uid : groups.contains($0.key) }
        }
        let rows = sums.map { number, figures in
            let name = key == .user ? question.names.userName(number) : question.names.groupName(number)
            return Row(
                label: key == .user ? question.names.shownUser(number) : question.names.shownGroup(number),
                json: [
                    key == .user ? "uid" : "gid": .integer(number),
                    key == .user ? "user" : "group": .text(name),
                ], figures: figures, before: since == nil ? nil : before[number] ?? Figures())
        }
        return rows.sorted { ($1.figures.bytes, $0.label) < ($0.figures.bytes, $1.label) }
    }

    private func sum(_ usage: [Usage]) -> [UInt32: Figures] {
        var sums: [UInt32: Figures] = [:]
        for row in usage {
            sums[key == .user ? row.uid : row.gid, default: Figures()] =
                sums[key == .user ? row.uid : row.gid, default: Figures()] + row.figures
        }
        return sums
    }

    /// The totals at a moment: those noted on its day, or before it; nil: of now.
    private func usage(
        of trees: [Ownership.Tree], at time: EndTime?, _ question: FileQuestion
    ) throws -> [Usage] {
        let time = time?.resolved(before: question.now)
        return try question.ask { book in
            try trees.flatMap { tree in
                guard let time else { return try book.usage(of: tree.id) }
                return try book.usage(of: tree.id, on: time.seconds / 86_400)
            }
        }
    }

    // MARK: By directory

    private func byDirectory(_ question: FileQuestion) throws -> [Row] {
        var rows: [Row] = []
        if let path {
            let (tree, relative) = try question.place(path)
            guard let list = try list(relative, in: tree, question) else { throw question.noFile(path) }
            rows = list
        } else {
            for tree in try question.trees() { rows += try list([], in: tree, question) ?? [] }
        }
        return rows.sorted { ($1.figures.bytes, $0.label) < ($0.figures.bytes, $1.label) }
    }

    private func list(
        _ path: [UInt8], in tree: Ownership.Tree, _ question: FileQuestion
    ) throws -> [Row]? {
        let top = tree.path.joined(path)
        return try question.ask { book in
            try book.usage(below: path, in: tree, for: question.viewer)?.map { name, figures in
                Row(
                    label: PathText.shown(top.joined(name)) + (name.isEmpty ? " (itself)" : ""),
                    json: JSON.path(top.joined(name)).merging(["itself": .boolean(name.isEmpty)]) { $1 },
                    figures: figures, before: nil)
            }
        }
    }
}
