import Directory
import Support

/// Adds a person: `gatehouse user add NAME …`.
package struct UserAdd: DaemonCommand {
    package static let words = ["user", "add"]
    package static let summary = "Add a person, with a uid nobody ever had"
    package static let usage =
        "NAME [--full-name TEXT] [--uid N] [--shell PATH] [--admin] [--auditor] [--group GROUP]... \(NetworkWords.usage)"
    package static let examples = ["user add alice --full-name 'Alice Liddell' --group lab"]

    private let user: NewUser

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        let isAdmin = words.flag("--admin")
        let isAuditor = words.flag("--auditor")
        let groups = try words.options("--group")
        let fullName = try words.option("--full-name") ?? ""
        let shell = try words.option("--shell") ?? User.defaultShell
        let networks = try NetworkWords.networks(&words) ?? .anywhere
        let uid = try words.number("--uid", as: UInt32.self)
        let name = try words.positional("NAME")
        user = NewUser(
            name, fullName: fullName, shell: shell, uid: uid, isAdmin: isAdmin, isAuditor: isAuditor,
            networks: networks, groups: groups)
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let added = try context.directory.addUser(user)
        var detail = [
            "user": added.name, "uid": String(added.uid), "role": added.role.rawValue,
            "groups": user.groups.joined(separator: ","),
        ]
        if added.networks != .anywhere { detail["allow_from"] = added.networks.text }
        try context.record(Change(Self.self, detail))
        try context.terminal.outLine("user \(added.name) added with uid \(added.uid)")
        try context.terminal.errLine("next: gatehouse key add \(added.name) FILE")
        return .success
    }
}
