import FileEvents
import Ownership
import Support

/// Says who wrote a file: `gatehouse file who PATH`.
package struct FileWho: DaemonCommand {
    package static let words = ["file", "who"]
    package static let summary = "Say who wrote a file last, on which host, in which session"
    package static let usage = "PATH [--limit N] [--escaped] [--json]"
    package static let examples = ["file who /shared/lab/results.csv"]
    package static let audience = Audience.everyone

    private let path: FilePath
    private let limit: Int
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        let isEscaped = words.flag("--escaped")
        limit = try words.limit(5, most: 1_000)
        path = try FilePath(try words.positional("PATH"), isEscaped: isEscaped)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        let (tree, relative) = try question.place(path)
        let answer = try question.ask { book in
            guard try question.mayKnow(relative, in: tree, book) else { return nil as Answer? }
            let writers = try book.writers(of: relative, in: tree, limit: limit)
            let owner = try book.owner(of: relative, in: tree)
            return writers.isEmpty && owner == nil ? nil : Answer(writers: writers, owner: owner)
        }
        guard let answer else { throw question.noFile(path) }
        let gaps = try question.gaps(in: tree.path, since: answer.writers.first?.time ?? tree.scanned)
        let sessions = try answer.writers.map { try question.session(of: $0, in: context) }
        let rows = zip(answer.writers, sessions)

        var document: [String: JSON] = [
            "writers": .array(rows.map { .object($0.json(question.names, $1)) }),
            "basis": .string((answer.writers.first?.basis ?? .stat).rawValue),
            "owner": answer.owner.map { .object(FileWho.owner($0, question.names)) } ?? .null,
            "gaps": .array(gaps.map { .object($0.json) }),
        ]
        document.merge(JSON.path(path.bytes)) { $1 }
        let code = try context.show(
            json: isJSON, ["file": .object(document)], text: text(answer, Array(rows), question))
        if !isJSON { try question.remark(gaps) }
        return code
    }

    private struct Answer: Sendable {
        var writers: [FileMoment]
        var owner: OwnerAnswer?
    }

    private func text(
        _ answer: Answer, _ rows: [(FileMoment, WriterSession?)], _ question: FileQuestion
    ) -> String {
        let words = WriterText(names: question.names)
        guard !rows.isEmpty else {
            let owner = answer.owner.map { question.names.shownUser($0.stat.uid) } ?? "nobody known"
            let time =
                answer.owner.map { Timestamp(microseconds: $0.stat.modified / 1_000).description } ?? "-"
            return "nobody was seen to write it; it is \(owner)'s, and its contents are of \(time)\n"
        }
        var table = Table("WHEN", "", "WHO", "HOST", "PROGRAM", "SESSION", "AT", "FROM")
        for (moment, session) in rows {
            table.add(
                words.time(moment), Quantities.ago(Timestamp(microseconds: moment.time), at: question.now),
                words.doer(moment), moment.host ?? "", moment.actor.map(words.program) ?? "",
                session?.id ?? "", session?.offset.map(Quantities.clock) ?? "",
                session?.address ?? moment.actor?.connection.map { "jump from \($0.peerAddress)" } ?? "")
        }
        return table.text
    }

    private static func owner(_ answer: OwnerAnswer, _ names: PeopleNames) -> [String: JSON] {
        [
            "uid": .integer(answer.stat.uid), "user": .text(names.userName(answer.stat.uid)),
            "modified": .time(microseconds: answer.stat.modified / 1_000),
        ]
    }
}
