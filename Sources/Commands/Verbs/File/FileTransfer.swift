import Audit
import Directory
import Sharing
import Support

/// Makes one person's files another's: `file transfer --from USER --to USER [PATH...]`, `file transfer --undo ID`.
package struct FileTransfer: DaemonCommand {
    package static let words = ["file", "transfer"]
    package static let summary = "Make one person's files another's, or undo that"
    package static let usage =
        "--from USER --to USER [PATH...] [--plan] [--yes] [--json] | --undo ID [--yes] [--json]"
    package static let examples = [
        "file transfer --from bob --to alice --plan", "file transfer --from bob --to alice /shared/lab/bob",
        "file transfer --undo 3",
    ]

    private enum Task {
        case transfer(from: String, to: String, paths: [String])
        case undo(Int64)
    }

    /// Folders that a plan names.
    private static let folderLimit = 20
    /// What stayed as it was that is told one by one.
    private static let leftLimit = 50

    private let task: Task
    private let isPlan: Bool
    private let isConfirmed: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        isConfirmed = words.flag("--yes")
        isPlan = words.flag("--plan")
        let source = try words.option("--from")
        let recipient = try words.option("--to")
        if let id: Int64 = try words.number("--undo") {
            guard source == nil, recipient == nil, !isPlan else {
                throw UsageError("--undo stands alone, with the number of a transfer")
            }
            task = .undo(id)
        } else {
            guard let source else { throw UsageError("--from is missing") }
            guard let recipient else { throw UsageError("--to is missing") }
            guard source != recipient else { throw UsageError("--from and --to are the same person") }
            var paths: [String] = []
            while let path = try words.optionalPositional() { paths.append(path) }
            task = .transfer(from: source, to: recipient, paths: paths)
        }
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        switch task {
        case .undo(let id): try undo(id, in: context)
        case .transfer(let source, let recipient, let paths):
            try transfer(from: source, to: recipient, paths, in: context)
        }
    }

    private func transfer(
        from source: String, to recipient: String, _ paths: [String], in context: CommandContext
    ) throws -> ExitCode {
        let directory = context.directory
        let (source, recipient) = (try directory.user(source), try directory.user(recipient))
        guard recipient.state != .left else {
            throw CommandError(.failure, "\(recipient.name) has left", hint: "name somebody who is there")
        }
        let plan = try context.services.hostWork.filesOf(source.uid).filter { item in
            let path = item.shownPath
            return paths.isEmpty || paths.contains { path == $0 || path.hasPrefix($0 + "/") }
        }
        if isPlan || plan.isEmpty {
            return try context.show(
                json: isJSON,
                [
                    "from": .string(source.name), "to": .string(recipient.name),
                    "files": .strings(plan.map(\.shownPath)),
                ], text: Self.planText(plan, source.name, recipient.name))
        }
        if !isJSON { try context.terminal.out(Self.planText(plan, source.name, recipient.name)) }
        try context.confirm("Make these \(recipient.name)'s?", unless: isConfirmed)
        let outcome = try context.services.hostWork.sharing.transfer(
            plan, from: source, to: recipient, creator: context.caller.description,
            at: context.services.now())
        var detail = [
            "from": source.name, "to": recipient.name, "count": String(outcome.count),
            "left": String(outcome.left.count),
        ]
        detail["transfer"] = outcome.id.map(String.init)
        try context.note(.fileTransferred, detail)
        return try show(
            outcome, "\(outcome.count) files are \(recipient.name)'s now", isUndoable: true, in: context)
    }

    private func undo(_ id: Int64, in context: CommandContext) throws -> ExitCode {
        try context.confirm("Give the files of transfer \(id) back?", unless: isConfirmed)
        let outcome = try context.services.hostWork.sharing.undoTransfer(id, at: context.services.now())
        try context.note(
            .fileTransferred,
            [
                "undo": String(id), "count": String(outcome.count), "left": String(outcome.left.count),
            ])
        return try show(
            outcome, "\(outcome.count) files were given back", isUndoable: false, in: context)
    }

    private func show(
        _ outcome: TransferOutcome, _ sentence: String, isUndoable: Bool, in context: CommandContext
    ) throws -> ExitCode {
        var text = sentence + "\n"
        for (path, why) in outcome.left.prefix(Self.leftLimit) { text += "not \(path): \(why)\n" }
        if outcome.left.count > Self.leftLimit {
            text += "and \(outcome.left.count - Self.leftLimit) more stay as they are\n"
        }
        if isUndoable, let id = outcome.id {
            text += "'gatehouse file transfer --undo \(id)' gives them back\n"
        }
        let left = outcome.left.map { JSON.object(["path": .string($0.path), "why": .string($0.why)]) }
        return try context.show(
            json: isJSON,
            ["transfer": .integer(outcome.id), "count": .integer(outcome.count), "left": .array(left)],
            text: text)
    }

    /// How many files, and in which folders most of them are.
    private static func planText(_ plan: [TransferItem], _ source: String, _ recipient: String) -> String {
        var text = "\(plan.count) files of \(source) would be \(recipient)'s\n"
        guard !plan.isEmpty else { return text }
        let folders = Dictionary(grouping: plan) { item in
            item.shownPath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
                .joined(separator: "/")
        }.mapValues(\.count).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        var table = Table("FILES", "FOLDER")
        for (folder, count) in folders.prefix(folderLimit) { table.add(String(count), folder) }
        text += table.text
        if folders.count > folderLimit { text += "and \(folders.count - folderLimit) more folders\n" }
        return text
    }
}
