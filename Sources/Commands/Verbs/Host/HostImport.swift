import Directory
import Inventory

/// Makes hosts of instances: `gatehouse host import …`.
package struct HostImport: DaemonCommand {
    package static let words = ["host", "import"]
    package static let summary = "Make hosts of EC2 instances, now and whenever new ones appear"
    package static let usage =
        "([--tag KEY=VALUE ...] [--instance ID ...] [--pool-tag KEY] [--names tag|id] [--dry-run] | "
        + "--list | --forget N) [--json]"
    package static let examples = [
        "host import --tag Team=lab --dry-run",
        "host import --tag Team=lab --pool-tag gatehouse:pool",
        "host import --instance i-0123456789abcdef0",
        "host import --list",
    ]

    private enum Work {
        case importing(InstanceSelection, isRehearsal: Bool)
        case list
        case forget(Int64)
    }

    private let work: Work
    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        let isRehearsal = words.flag("--dry-run")
        let isList = words.flag("--list")
        let forgotten = try words.number("--forget", as: Int64.self)
        let selection = try Self.selection(&words)
        let isEmpty = selection == InstanceSelection()
        switch (isList, forgotten) {
        case (true, nil) where isEmpty: work = .list
        case (false, let id?) where isEmpty: work = .forget(id)
        case (false, nil) where !isEmpty: work = .importing(selection, isRehearsal: isRehearsal)
        case (false, nil): throw UsageError("what to import is said by --tag, --instance or --pool-tag")
        default: throw UsageError("--list and --forget stand alone")
        }
        try words.finish()
    }

    private static func selection(
        _ words: inout ArgumentReader
    ) throws(UsageError) -> InstanceSelection {
        var tags: [InstanceSelection.Tag] = []
        for text in try words.options("--tag") {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw UsageError("--tag is KEY=VALUE, not '\(text)'")
            }
            tags.append(
                .init(key: String(text[..<equals]), value: String(text[text.index(after: equals)...])))
        }
        var naming = HostNaming.tag
        if let text = try words.option("--names") {
            guard let given = HostNaming(rawValue: text) else {
                throw UsageError("--names is tag or id, not '\(text)'")
            }
            naming = given
        }
        let selection = InstanceSelection(
            tags: tags, instances: try words.options("--instance"), poolTag: try words.option("--pool-tag"),
            naming: naming)
        guard tags.isEmpty || selection.instances.isEmpty else {
            throw UsageError("--tag and --instance do not go together")
        }
        return selection
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        switch work {
        case .list: return try ImportSources.show(in: context, json: isJSON)
        case .forget(let id): return try ImportSources.forget(id, in: context)
        case .importing(let selection, let isRehearsal):
            let outcome = try context.services.inventory.importHosts(
                selection, isRehearsal: isRehearsal, by: context.caller.description)
            if !isRehearsal {
                try context.record(
                    Change(Self.self, ["what": selection.text, "came": outcome.plan.summary]))
            }
            return try InventoryList(outcome, isRehearsal: isRehearsal).show(in: context, json: isJSON)
        }
    }
}
