import FileEvents
import Ownership
import Support

/// Says whose files are: `gatehouse file owner PATH…`.
package struct FileOwner: DaemonCommand {
    package static let words = ["file", "owner"]
    package static let summary = "Say whose a file is"
    package static let usage = "PATH... [--escaped] [--json]"
    package static let examples = ["file owner /shared/lab/results.csv"]
    package static let audience = Audience.everyone

    private let paths: [FilePath]
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        let isEscaped = words.flag("--escaped")
        var paths: [FilePath] = []
        for text in try words.positionals("PATH") { paths.append(try FilePath(text, isEscaped: isEscaped)) }
        self.paths = paths
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let question = try FileQuestion(context)
        var missing: CommandError?
        var list: [JSON] = []
        var table = Table("OWNER", "GROUP", "MODE", "SIZE", "WRITTEN", "KNOWN BY", "PATH")
        var gaps: [KnownGap] = []
        for path in paths {
            do {
                let (tree, relative) = try question.place(path)
                let answer = try question.ask { try $0.owner(of: relative, in: tree) }
                guard let answer, Visibility.mayKnow(of: answer.directories, question.viewer) else {
                    throw question.noFile(path)
                }
                gaps = try question.gaps(in: tree.path, since: answer.known)
                list.append(.object(json(answer, path, question, gaps)))
                let stat = answer.stat
                table.add(
                    question.names.shownUser(stat.uid), question.names.shownGroup(stat.gid),
                    WriterText.permissions(stat.mode), Quantities.size(Int64(clamping: stat.size)),
                    Quantities.ago(Timestamp(microseconds: stat.modified / 1_000), at: question.now),
                    known(answer, question.now), path.shown)
            } catch let error as CommandError {
                if paths.count == 1 { throw error }
                try context.terminal.err(ErrorReport(for: error).text(what: "file owner"))
                missing = error
            }
        }
        _ = try context.show(json: isJSON, ["files": .array(list)], text: list.isEmpty ? "" : table.text)
        if !isJSON { try question.remark(gaps) }
        return missing?.code ?? .success
    }

    private func known(_ answer: OwnerAnswer, _ now: Timestamp) -> String {
        guard let time = answer.known else { return "a scan that is not finished" }
        let what = answer.basis == .event ? "event" : "scan"
        return "\(what), \(Quantities.ago(Timestamp(microseconds: time), at: now))"
    }

    private func json(
        _ answer: OwnerAnswer, _ path: FilePath, _ question: FileQuestion, _ gaps: [KnownGap]
    ) -> [String: JSON] {
        let stat = answer.stat
        var fields: [String: JSON] = [
            "uid": .integer(stat.uid), "user": .text(question.names.userName(stat.uid)),
            "gid": .integer(stat.gid), "group": .text(question.names.groupName(stat.gid)),
            "mode": .string(String(stat.mode & 0o7777, radix: 8)),
            "type": .string(
                stat.isDirectory ? "directory" : stat.mode & 0o170000 == 0o120000 ? "link" : "file"),
            "size": .integer(stat.size), "disk_bytes": .integer(stat.blocks &* 512),
            "inode": .integer(stat.inode), "modified": .time(microseconds: stat.modified / 1_000),
            "basis": .string(answer.basis.rawValue), "known": .time(microseconds: answer.known),
            "gaps": .array(gaps.map { .object($0.json) }),
        ]
        fields.merge(JSON.path(path.bytes)) { $1 }
        return fields
    }
}
