/// Asks the cloud now: `gatehouse host refresh [--dry-run] [--json]`.
package struct HostRefresh: DaemonCommand {
    package static let words = ["host", "refresh"]
    package static let summary = "Ask the cloud now for what was imported, and how the hosts are"
    package static let usage = "[--dry-run] [--json]"

    private let isRehearsal: Bool
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        isRehearsal = words.flag("--dry-run")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let outcome = try context.services.inventory.refresh(
            isRehearsal: isRehearsal, by: context.caller.description)
        return try InventoryList(outcome, isRehearsal: isRehearsal).show(in: context, json: isJSON)
    }
}
