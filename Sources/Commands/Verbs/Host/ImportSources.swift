import Directory
import Support

/// What was imported and is asked for again, shown and forgotten.
enum ImportSources {
    static func show(in context: CommandContext, json isJSON: Bool) throws -> ExitCode {
        var table = Table("ID", "REGION", "WHAT", "SINCE")
        var list: [JSON] = []
        for source in try context.directory.inventorySources() {
            table.add(
                String(source.id), source.region, source.selection.text, source.created.description)
            var entry = source.selection.json
            entry["id"] = .number(source.id)
            entry["region"] = .string(source.region)
            entry["created"] = .time(source.created)
            list.append(.object(entry))
        }
        let condition = context.services.inventory.condition
        let code = try context.show(
            json: isJSON,
            [
                "imports": .array(list), "answered": .time(condition.answered),
                "problem": .text(condition.problem), "problem_since": .time(condition.since),
            ], text: table.text)
        try context.remarkOnInventory()
        return code
    }

    static func forget(_ id: Int64, in context: CommandContext) throws -> ExitCode {
        let source = try context.directory.inventorySources().first { $0.id == id }
        try context.directory.removeSource(id)
        return try context.done(
            Change(HostImport.self, ["forgotten": String(id), "what": source?.selection.text ?? ""]),
            "import \(id) is not asked for any more; its hosts stay")
    }
}

extension CommandContext {
    /// Says on standard error that what is shown of instances may be old.
    func remarkOnInventory() throws {
        let condition = services.inventory.condition
        guard let problem = condition.problem else { return }
        try terminal.errLine(
            "states of instances may be old, since \(condition.since?.description ?? "some time"): \(problem)"
        )
    }
}

extension InstanceSelection {
    /// As the options that make it.
    var text: String {
        var words = tags.map { "--tag \($0.key)=\($0.value)" } + instances.map { "--instance \($0)" }
        if let poolTag { words.append("--pool-tag \(poolTag)") }
        if naming != .tag { words.append("--names \(naming.rawValue)") }
        return words.joined(separator: " ")
    }

    var json: [String: JSON] {
        [
            "tags": .array(tags.map { .object(["key": .string($0.key), "value": .string($0.value)]) }),
            "instances": .strings(instances), "pool_tag": .text(poolTag), "names": .string(naming.rawValue),
        ]
    }
}
