import Directory
import Support

/// Lists hosts: `gatehouse host list [--json]`.
package struct HostList: DaemonCommand {
    package static let words = ["host", "list"]
    package static let summary = "List hosts"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let pools = try context.directory.pools()
        var table = Table("NAME", "ADDRESS", "STATE", "KEYS", "POOLS", "INSTANCE", "REMARK")
        var list: [JSON] = []
        for host in try context.directory.hosts() {
            let names = pools.filter { $0.hosts.contains(host.name) }.map(\.name)
            let condition = context.services.conditions.condition(of: host.name)
            let remarks = [
                host.drain?.text ?? "", condition.failure.map { "does not answer: \($0)" } ?? "", host.remark,
            ]
            table.add(
                host.name, host.endpoint, host.stateText, String(host.keys.count),
                names.joined(separator: ","), host.instance?.id ?? "",
                remarks.filter { !$0.isEmpty }.joined(separator: "; "))
            list.append(
                .object(host.json.merging(["pools": .strings(names)]) { $1 }.merging(condition.json) { $1 }))
        }
        let condition = context.services.inventory.condition
        let code = try context.show(
            json: isJSON, ["hosts": .array(list), "inventory_problem": .text(condition.problem)],
            text: table.text)
        try context.remarkOnInventory()
        return code
    }
}
