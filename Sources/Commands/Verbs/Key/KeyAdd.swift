import Directory
import SSHKeys
import Support

/// Gives a person a key: `gatehouse key add USER FILE|-`.
package struct KeyAdd: DaemonCommand {
    package static let words = ["key", "add"]
    package static let summary = "Give a person a public key to log in with"
    package static let usage = "USER FILE|- [--comment TEXT]"
    package static let examples = ["key add alice alice.pub", "key add alice - < alice.pub"]

    private let user: String
    private let path: String
    private let comment: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        comment = try words.option("--comment")
        user = try words.positional("USER")
        path = try words.positional("FILE")
        try words.finish()
    }

    package func run(in context: CommandContext) throws -> ExitCode {
        try context.addKey(from: path, to: user, comment: comment, for: Self.self)
    }
}

extension CommandContext {
    /// Reads a public key and gives it to a user.
    func addKey(from path: String, to user: String, comment: String?, for command: any Command.Type) throws
        -> ExitCode
    {
        let key = try KeyText.one(in: terminal.read(path, limit: KeyText.limit))
        let added = try directory.addKey(
            KeyText.material(of: key), to: user, comment: comment ?? key.comment, at: services.now())
        if key.type.isSecurityKey {
            try terminal.errLine(
                "note: that a security key was touched cannot be seen here; it counts like any other key")
        }
        return try done(
            Change(command, ["user": user, "key": added.material.fingerprint, "type": added.material.type]),
            "key \(added.material.fingerprint) added to \(user)")
    }

    /// Prints keys.
    func showKeys(of user: String?, json isJSON: Bool) throws -> ExitCode {
        let keys = try directory.keys(of: user)
        var table = Table("USER", "TYPE", "FINGERPRINT", "ADDED", "LAST USED", "COMMENT")
        for key in keys {
            table.add(
                key.user, key.material.type, key.material.fingerprint, key.added.description,
                key.lastUsed?.description ?? "never", key.comment)
        }
        return try show(json: isJSON, ["keys": .array(keys.map(\.json))], text: table.text)
    }

    /// Takes a key away.
    func removeKey(_ fingerprint: String, of user: String, for command: any Command.Type) throws -> ExitCode {
        try directory.removeKey(fingerprint, of: user)
        return try done(
            Change(command, ["user": user, "key": fingerprint]), "key \(fingerprint) removed from \(user)")
    }
}
