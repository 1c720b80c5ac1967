import Audit
import Configuration
import Directory
import Glibc
import SSHKeys
import Support

/// Makes this machine a gateway: `gatehouse init [--admin NAME --key FILE|-]`.
package struct Initialize: LocalCommand {
    package static let words = ["init"]
    package static let summary = "Make this machine a gateway; again does no harm"
    package static let usage = "[--config FILE] [--admin NAME --key FILE|-]"
    package static let examples = ["init --admin ada --key ada.pub"]

    private let admin: String?
    private let keyPath: String?

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        admin = try words.option("--admin")
        keyPath = try words.option("--key")
        guard (admin == nil) == (keyPath == nil) else {
            throw UsageError("--admin and --key go together: the administrator logs in with that key")
        }
        try words.finish()
    }

    package func run(in context: LocalContext) throws -> ExitCode {
        let terminal = context.terminal
        // Before anything is made: a wrong key shall leave nothing behind.
        let key = try keyPath.map { try KeyText.one(in: terminal.read($0, limit: KeyText.limit)) }
        let (installation, file) = try Installation.configure(context.configurationPath)
        var parts = [file] + (try installation.prepare())
        let (directory, events) = try installation.openDatabase()
        parts.append(try installation.makeEventKey(of: events))
        if let admin, let key {
            parts.append(try makeAdministrator(admin, key, directory, events, by: context.caller))
        }

        var text = Details()
        for part in parts { text.add(part.what, part.value + (part.isNew ? "" : " (was there)")) }
        try terminal.out(text.text)
        try terminal.err("\nnext:\n" + nextSteps(installation.configuration))
        return .success
    }

    private func makeAdministrator(
        _ name: String, _ key: PublicKey, _ directory: DirectoryStore, _ events: EventLog, by caller: Caller
    ) throws -> Installation.Part {
        var changes: [String: String] = [:]
        var user = try directory.findUser(name)
        if user?.isAdmin != true {
            changes["role"] = "admin"
            user =
                user == nil
                ? try directory.addUser(NewUser(name, isAdmin: true)) : try directory.setAdmin(true, of: name)
        }
        if try directory.findKey(blob: key.blob)?.user.name != name {
            try directory.addKey(KeyText.material(of: key), to: name, comment: key.comment)
            changes["key"] = key.fingerprint
        }
        if !changes.isEmpty {
            changes["action"] = "init"
            changes["by"] = caller.description
            changes["user"] = name
            try events.append(Event(.directoryChanged, detail: changes))
        }
        return Installation.Part(
            what: "administrator", value: "\(name), uid \(user.map { String($0.uid) } ?? "-")",
            isNew: !changes.isEmpty)
    }

    private func nextSteps(_ configuration: Configuration) -> String {
        let port = configuration.listenAddresses.first?.port ?? ListenAddress.defaultPort
        let login = "  ssh -p \(port) \(admin ?? "NAME")+gate@\(Machine.name) help\n"
        let first = admin == nil ? "  gatehouse init --admin NAME --key FILE\n" : ""
        return "\(first)  systemctl start gatehoused\n\(login)  gatehouse help\n"
    }
}

/// The machine this runs on.
enum Machine {
    /// Its name, as gethostname(2) says.
    static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}
