import Directory

/// Adds a shared group: `gatehouse group add NAME [--gid N]`.
package struct GroupAdd: DaemonCommand {
    package static let words = ["group", "add"]
    package static let summary = "Add a shared group"
    package static let usage = "NAME [--gid N]"
    package static let examples = ["group add lab"]

    private let name: String
    private let gid: UInt32?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        gid = try words.number("--gid")
        name = try words.positional("NAME")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let group = try context.directory.addGroup(name, gid: gid)
        return try context.done(
            Change(Self.self, ["group": group.name, "gid": String(group.gid)]),
            "group \(group.name) added with gid \(group.gid)")
    }
}
