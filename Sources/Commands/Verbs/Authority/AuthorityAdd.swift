import Directory
import SSHKeys
import Support

/// Trusts a CA: `gatehouse ca add NAME FILE|-`.
package struct AuthorityAdd: DaemonCommand {
    package static let words = ["ca", "add"]
    package static let summary = "Trust a CA: its user certificates open logins"
    package static let usage = "NAME FILE|- [--user USER]... [--group GROUP]..."
    package static let examples = [
        "ca add corporate corporate_ca.pub --group lab", "ca add ci - --user builder < ci_ca.pub",
    ]

    private let name: String
    private let path: String
    private let users: [String]
    private let groups: [String]

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        users = try words.options("--user")
        groups = try words.options("--group")
        name = try words.positional("NAME")
        path = try words.positional("FILE")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        let key = try KeyText.one(in: context.terminal.read(path, limit: KeyText.limit))
        guard !key.isSameKey(as: context.services.gateway.userAuthority) else {
            throw CommandError(
                .refused, "this is the gateway's own CA: its certificates open hosts, not the gateway")
        }
        let added = try context.directory.addAuthority(
            name, KeyText.material(of: key), users: users, groups: groups, at: context.services.now())
        var detail = added.record
        detail["names"] = added.scope
        return try context.done(
            Change(Self.self, detail),
            "CA \(name) trusted: \(added.material.fingerprint) may name \(added.scope)")
    }
}

extension TrustedAuthority {
    /// Whom it may name: `group lab, user ci`.
    var scope: String {
        let scope = groups.map { "group \($0)" } + users.map { "user \($0)" }
        return scope.isEmpty ? "everybody" : scope.joined(separator: ", ")
    }

    /// For the event log.
    var record: [String: String] { ["ca": material.fingerprint, "ca.name": name] }
}
