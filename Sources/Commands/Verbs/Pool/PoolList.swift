import Directory

/// Lists pools: `gatehouse pool list [--json]`.
package struct PoolList: DaemonCommand {
    package static let words = ["pool", "list"]
    package static let summary = "List pools and their hosts"
    package static let usage = "[--json]"
    package static let audience = Audience.auditor

    private let isJSON: Bool

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        isJSON = words.flag("--json")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let pools = try context.directory.pools()
        var table = Table("NAME", "HOSTS")
        for pool in pools { table.add(pool.name, pool.hosts.joined(separator: ",")) }
        return try context.show(json: isJSON, ["pools": .array(pools.map(\.json))], text: table.text)
    }
}
