import Directory

/// Put hosts into a pool, all or none: `gatehouse pool join POOL HOST...`.
package struct PoolJoin: DaemonCommand {
    package static let words = ["pool", "join"]
    package static let summary = "Put hosts into a pool, all or none"
    package static let usage = "POOL HOST..."
    package static let examples = ["pool join communal communal1 communal2"]

    private let pool: String
    private let hosts: [String]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        pool = try words.positional("POOL")
        hosts = try words.positionals("HOST")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.join(hosts, to: pool)
        return try context.done(
            Change(Self.self, ["pool": pool, "hosts": hosts.joined(separator: ",")]),
            "now in pool \(pool): \(hosts.joined(separator: ", "))")
    }
}
