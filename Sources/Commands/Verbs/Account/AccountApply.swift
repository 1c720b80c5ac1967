import Accounts
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
        let changes = (report.users + report.groups).filter {
            $0.result != .unchanged && $0.result != .conflict
        }
        let conflicts = report.conflicts

        try context.services.events.append(
            Event(
                .accountApplied, at: context.services.now(), session: context.caller.session,
                user: context.caller.userName, host: host, address: context.caller.address,
                detail: [
                    "by": context.caller.description, "changed": String(changes.count),
                    "conflicts": String(conflicts.count),
                ]))

        _ = try context.show(json: isJSON, report.json(of: host), text: report.text)
        guard conflicts.isEmpty else {
            throw CommandError(
                .failure, "\(conflicts.count) of the names or numbers on \(host) are taken by others",
                hint: "who is in conflict is refused on \(host) until the host's own account has gone")
        }
        return .success
    }
}

extension AccountReport {
    fileprivate func json(of host: String) -> [String: JSON] {
        func list(_ entries: [Entry]) -> JSON {
            .array(
                entries.map {
                    .object([
                        "name": .string($0.name), "result": .string($0.result.rawValue),
                        "reason": .string($0.reason),
                    ])
                })
        }
        return [
            "host": .string(host), "changed": .boolean(changed), "users": list(users), "groups": list(groups),
            "sshd": .object(["changed": .boolean(sshdChanged), "reloaded": .boolean(sshdReloaded)]),
        ]
    }

    fileprivate var text: String {
        var table = Table("KIND", "NAME", "RESULT", "REASON")
        for group in groups { table.add("group", group.name, group.result.rawValue, group.reason) }
        for user in users { table.add("user", user.name, user.result.rawValue, user.reason) }
        table.add("sshd", "", sshdChanged ? "updated" : "unchanged", sshdReloaded ? "reloaded" : "")
        return table.text
    }
}
