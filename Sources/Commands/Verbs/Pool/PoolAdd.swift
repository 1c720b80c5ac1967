import Directory

/// Adds an empty pool: `gatehouse pool add NAME`.
package struct PoolAdd: DaemonCommand {
    package static let words = ["pool", "add"]
    package static let summary = "Add a pool of hosts that are as good as each other"
    package static let usage = "NAME"
    package static let examples = ["pool add communal"]

    private let name: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.directory.addPool(name)
        return try context.done(Change(Self.self, ["pool": name]), "pool \(name) added")
    }
}
