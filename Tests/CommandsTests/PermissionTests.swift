import Commands
import Directory
import Testing

@Suite("Who may run what")
struct PermissionTests {
    /// Arguments with which each command gets as far as it can here.
    static let lines = [
        "whoami": "", "hosts": "", "hosts default": "communal1", "keep": "communal1 until 2h",
        "keys list": "",
        "keys add": "-", "keys remove": "SHA256:x", "ssh-config": "",
        "user add": "carol", "user list": "", "user show": "alice", "user lock": "alice",
        "user unlock": "alice", "user role": "bob auditor", "user set": "bob --allow-from 10.0.0.0/8",
        "user leave": "alice --yes",
        "key add": "alice -", "key list": "", "key remove": "alice SHA256:x",
        "key revoke": "-", "ca add": "corporate -", "ca list": "", "ca remove": "corporate",
        "ca revoke": "corporate --serial 7", "ca revocations": "",
        "totp enrol": "bob", "totp status": "bob", "totp remove": "bob --yes",
        "group add": "ops", "group list": "", "group show": "lab", "group add-member": "lab ada",
        "group remove-member": "lab bob",
        "host add": "gpu1 --address 10.0.0.1 --key -", "host list": "", "host show": "communal1",
        "host import": "--tag Team=lab", "host rekey": "communal1 --key - --yes",
        "host refresh": "", "host drain": "communal1", "host undrain": "communal1",
        "host set": "communal1 --accounts ssh", "host keep": "communal1 until 2h",
        "host remove": "communal1 --yes", "host bootstrap": "communal1",
        "pool add": "gpus", "pool set": "communal --idle-stop 45m", "pool list": "",
        "pool join": "communal communal1",
        "pool leave": "communal communal1",
        "grant add": "--user alice --host communal1", "grant list": "", "grant remove": "1",
        "grant explain": "alice communal1", "access request": "gpu1 --for 4h --why x", "access list": "",
        "access withdraw": "1", "access approve": "1", "access deny": "1", "access revoke": "1",
        "account apply": "communal1", "account plan": "communal1", "account status": "communal1",
        "account adopt": "communal1 alice --yes",
        "tree add": "/shared/lab --group lab", "tree list": "", "tree show": "/a",
        "tree set": "/a --scan communal1", "tree apply": "/a", "tree remove": "/a --yes",
        "watch install": "communal1 --gateway 10.0.0.1", "watch upgrade": "communal1", "watch status": "",
        "watch remove": "communal1 --yes", "file share": "/a/b bob", "file shares": "",
        "file unshare": "/a/b bob", "file transfer": "--from alice --to bob --yes",
        "session list": "", "session show": "x", "session files": "x", "session replay": "x",
        "session watch": "x", "session verify": "",
        "file owner": "/shared/lab/a", "file who": "/shared/lab/a", "file history": "/shared/lab/a",
        "file list": "--user alice", "file usage": "", "file changes": "", "file handed-over": "",
        "file orphans": "", "file gaps": "", "session kill": "x", "event list": "",
        "event verify": "", "event export": "", "event reseal": "--why x",
        "directory export": "", "directory import": "-", "config show": "", "init": "",
        "help": "", "version": "",
    ]

    /// What a user who is no administrator may run.
    static let open: Set = [
        "whoami", "hosts", "hosts default", "keep", "keys list", "keys add", "keys remove", "ssh-config",
        "help", "access request", "access list", "access withdraw",
        "version",
        "tree list", "file share", "file shares", "file unshare",
        "session files", "file owner", "file who", "file history", "file list", "file usage", "file changes",
        "file handed-over",
    ]

    @Test("every command has a case here")
    func complete() {
        #expect(
            Set(CommandTable.gatehouse.commands.map { $0.words.joined(separator: " ") })
                == Set(Self.lines.keys))
    }

    @Test("a user is refused what only administrators may do", arguments: lines.keys.sorted())
    func user(_ title: String) throws {
        let terminal = Transcript(input: Gateway.key(9))
        let code = try Gateway().run("\(title) \(Self.lines[title] ?? "")", as: Gateway.alice, on: terminal)
        #expect((code == .refused) == !Self.open.contains(title))
        #expect(terminal.errors.contains("an administrator may do this") == !Self.open.contains(title))
        if code == .refused { #expect(terminal.output == "") }
    }

    /// What an auditor may run besides: all that asks and changes nothing.
    static let reading: Set = [
        "user list", "user show", "key list", "group list", "group show", "host list", "host show",
        "pool list", "totp status",
        "grant list", "grant explain", "account status", "tree show", "watch status", "session list",
        "session show",
        "event list", "event verify", "event export", "directory export",
        "config show", "file orphans", "file gaps", "ca list", "ca revocations",
        "session replay", "session watch", "session verify",
    ]

    @Test("an auditor may ask everything and change nothing", arguments: lines.keys.sorted())
    func auditor(_ title: String) throws {
        let terminal = Transcript(input: Gateway.key(9))
        let gateway = try Gateway()
        _ = try gateway.services.directory.addUser(NewUser("audrey", isAuditor: true))
        let before = try gateway.services.directory.generation()
        let code = gateway.run("\(title) \(Self.lines[title] ?? "")", as: Gateway.audrey, on: terminal)
        let isAllowed = Self.open.contains(title) || Self.reading.contains(title)
        #expect((code == .refused) == !isAllowed)
        // Their own keys and wishes are their own affair.
        if title != "keys add", title != "access request" {
            #expect(try gateway.services.directory.generation() == before)
        }
    }

    @Test("an administrator over SSH may do everything but init", arguments: lines.keys.sorted())
    func admin(_ title: String) throws {
        let terminal = Transcript(input: Gateway.key(9))
        let code = try Gateway().run("\(title) \(Self.lines[title] ?? "")", as: Gateway.ada, on: terminal)
        #expect((code == .refused) == (title == "init" || title == "event reseal"))
        #expect(code != .usage || title == "directory import")
    }

    @Test(
        "the operator may do everything but what is for people of the directory",
        arguments: lines.keys.sorted())
    func operatorOnMachine(_ title: String) throws {
        let terminal = Transcript(input: Gateway.key(9))
        let code = try Gateway().run("\(title) \(Self.lines[title] ?? "")", on: terminal)
        let own: Set = [
            "hosts", "hosts default", "keep", "keys list", "keys add", "keys remove", "ssh-config", "init",
            "event reseal", "access request", "access withdraw",
        ]
        #expect((code == .refused) == own.contains(title))
    }
}
