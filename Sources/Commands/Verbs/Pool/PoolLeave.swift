import Directory

/// Take hosts out of a pool, all or none: `gatehouse pool leave POOL HOST...`.
package struct PoolLeave: DaemonCommand {
    package static let words = ["pool", "leave"]
    package static let summary = "Take hosts out of a pool, all or none"
    package static let usage = "POOL HOST..."
    package static let examples = ["pool leave communal communal1 communal2"]

    private let pool: String
    private let hosts: [String]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        pool = try words.positional("POOL")
        hosts = try words.positionals("HOST")
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.leave(hosts, from: pool)
        return try context.done(
            Change(Self.self, ["pool": pool, "hosts": hosts.joined(separator: ",")]),
            "no longer in pool \(pool): \(hosts.joined(separator: ", "))")
    }
}
