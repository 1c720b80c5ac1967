import FileEvents
import Ownership
import Support

/// What happened to files, a line each.
struct MomentTable {
    private let question: FileQuestion
    private let context: CommandContext

    init(_ question: FileQuestion, _ context: CommandContext) {
        self.question = question
        self.context = context
    }

    func text(_ moments: [FileMoment]) -> String {
        let words = WriterText(names: question.names)
        var table = Table("WHEN", "WHO", "HOST", "SESSION", "WHAT", "PATH")
        for moment in moments {
            table.add(
                words.time(moment), words.doer(moment), moment.host ?? "", moment.actor?.session ?? "",
                words.deed(moment), PathText.shown(moment.tree.joined(moment.path)))
        }
        return table.text
    }

    /// The rows for `--json`.
    func json(_ moments: [FileMoment]) throws -> JSON {
        .array(
            try moments.map { .object($0.json(question.names, try question.session(of: $0, in: context))) })
    }
}
