import Audit
import Directory
import Support

/// Makes the directory's accounts on a host: `gatehouse account apply HOST [--json]`.
package struct AccountApply: DaemonCommand {
    package static let words = ["account", "apply"]
    package static let summary = "Make the accounts of the directory on a host"
    package static let usage = "HOST [--json]"
    package static let examples = ["account apply communal1"]

    private let host: String
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        host = try words.positional("HOST")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        _ = try context.directory.host(host)
        let report = try context.services.applier.apply(to: host)
        let conflicts = report.items.filter { $0.outcome == .conflict }
        let changes = report.items.filter { $0.outcome != .unchanged && $0.outcome != .conflict }

        try context.services.events.append(
            Event(
                .accountApplied, at: context.services.now(), session: context.caller.session,
                user: context.caller.userName, host: host, address: context.caller.address,
                detail: [
                    "by": context.caller.description, "changed": String(changes.count),
                    "conflicts": String(conflicts.count),
                ]))

        var table = Table("KIND", "NAME", "OUTCOME", "DETAIL")
        for item in report.items { table.add(item.kind, item.name, item.outcome.rawValue, item.detail) }
        let items = report.items.map { item in
            JSON.object([
                "kind": .string(item.kind), "name": .string(item.name),
                "outcome": .string(item.outcome.rawValue), "detail": .string(item.detail),
            ])
        }
        _ = try context.show(
            json: isJSON,
            ["host": .string(host), "items": .array(items), "changed": .boolean(!changes.isEmpty)],
            text: table.text)
        guard conflicts.isEmpty else {
            throw CommandError(
                .failure, "\(conflicts.count) of the names or numbers on \(host) are taken by others",
                hint: "who is in conflict is refused on \(host) until the host's own account has gone")
        }
        return .success
    }
}
