import Accounts
import Support

/// Shows how accounts stand: `gatehouse account status [HOST|POOL|--all] [--json]`.
package struct AccountStatusShow: DaemonCommand {
    package static let words = ["account", "status"]
    package static let summary = "Show how the accounts on hosts stand, as last reported"
    package static let usage = "[HOST|POOL|--all] [--json]"
    package static let audience = Audience.auditor
    package static let examples = ["account status communal1"]

    private let choice: HostChoice

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        choice = try HostChoice(parsing: &words, needsWord: false)
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let hosts = try choice.hosts(in: context.directory)
        let lines = try hosts.flatMap { try context.services.applier.status(of: $0) }
        var table = Table("HOST", "USER", "STATE", "SINCE", "REASON")
        for line in lines {
            table.add(
                line.host, line.user ?? "", line.state.rawValue, line.since?.description ?? "", line.reason)
        }
        let list = lines.map { line in
            JSON.object([
                "host": .string(line.host), "user": .text(line.user), "state": .string(line.state.rawValue),
                "since": .time(line.since), "reason": .string(line.reason),
            ])
        }
        return try context.show(json: choice.isJSON, ["accounts": .array(list)], text: table.text)
    }
}
