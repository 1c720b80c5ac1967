import Directory
import Inventory

/// What came of an inventory, for people and programs.
struct InventoryList {
    private let outcome: InventoryOutcome
    private let isRehearsal: Bool

    init(_ outcome: InventoryOutcome, isRehearsal: Bool) {
        self.outcome = outcome
        self.isRehearsal = isRehearsal
    }

    /// Prints it; the exit status says whether all that is up can be reached.
    func show(in context: CommandContext, json isJSON: Bool) throws -> ExitCode {
        var table = Table("HOST", "INSTANCE", "WHAT", "DETAIL")
        for entry in outcome.plan.entries {
            table.add(
                entry.host ?? "", entry.instance, entry.outcome.rawValue,
                entry.notes.joined(separator: "; "))
        }
        let code = try context.show(
            json: isJSON,
            [
                "dry_run": .boolean(isRehearsal), "summary": .string(outcome.plan.summary),
                "entries": .array(outcome.plan.entries.map(Self.json)),
                "keys": .array(outcome.keys.map(Self.json)),
            ], text: (outcome.plan.entries.isEmpty ? "" : table.text) + keyLines)
        try context.terminal.errLine(
            isRehearsal ? "would be: \(outcome.plan.summary); nothing was changed" : outcome.plan.summary)
        let hosts = outcome.plan.entries.filter { $0.outcome == .added || $0.outcome == .replaced }
        if !isRehearsal, !hosts.isEmpty {
            try context.terminal.errLine("next: gatehouse account apply --all")
        }
        let hasFailed = outcome.keys.contains { $0.finding.isFailure }
        return hasFailed ? .failure : code
    }

    private var keyLines: String {
        outcome.keys.map { "\($0.host): \($0.finding.text)\n" }.joined()
    }

    private static func json(_ entry: InventoryPlan.Entry) -> JSON {
        .object([
            "host": .text(entry.host), "instance": .string(entry.instance),
            "outcome": .string(entry.outcome.rawValue), "notes": .strings(entry.notes),
        ])
    }

    private static func json(_ keys: (host: String, finding: Result<HostKeyFinding, any Error>)) -> JSON {
        .object(["host": .string(keys.host), "finding": .string(keys.finding.text)])
    }
}

extension Result<HostKeyFinding, any Error> {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }

    /// What became of asking a host for its keys.
    var text: String {
        switch self {
        case .success(.pinned): "host keys pinned"
        case .success(.confirmed): "host keys as pinned"
        case .success(.different): "has other host keys than are pinned; see 'gatehouse host rekey'"
        case .success(.outdated): "is another instance by now"
        case .failure(let error):
            "host keys not known: \(ErrorReport(for: error).reasons.joined(separator: "; "))"
        }
    }
}
