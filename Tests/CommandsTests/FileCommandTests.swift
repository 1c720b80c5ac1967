import Commands
import Directory
import Support
import Testing

@Suite("gatehouse file")
struct FileCommandTests {
    let gateway: Gateway

    init() throws {
        gateway = try Gateway()
        try gateway.fillBook()
    }

    private func errors(_ line: String, as caller: Caller = Gateway.root) -> (ExitCode, String) {
        let terminal = Transcript()
        return (gateway.run(line, as: caller, on: terminal), terminal.errors)
    }

    @Test("owner names person, group, mode, size and how it is known")
    func owner() {
        let text = gateway.output(of: "file owner /shared/lab/open/results.csv")
        #expect(text.contains("alice (20001)  lab (20000)  -rw-r--r--  10 B"))
        #expect(text.contains("1 hour ago"))
        #expect(text.contains("event, 1 hour ago"))
        #expect(gateway.output(of: "file owner //shared/./lab/open/orphan").contains("uid 4711"))
        #expect(gateway.output(of: "file owner /shared/lab").contains("drwxrwsr-x"))
    }

    @Test("owner of several paths shows what it can and ends with 66 for the rest")
    func ownerOfSeveral() {
        let terminal = Transcript()
        let code = gateway.run(
            "file owner /shared/lab/open/old.bin /shared/lab/none /etc/passwd", on: terminal)
        #expect(code == .notFound)
        #expect(terminal.output.contains("/shared/lab/open/old.bin"))
        #expect(terminal.errors.contains("/shared/lab/none: the book knows no such file"))
        #expect(terminal.errors.contains("/etc/passwd is in no shared tree"))
    }

    @Test("owner in JSON is a contract")
    func ownerJSON() {
        let text = gateway.output(of: "file owner /shared/lab/open/results.csv --json")
        for line in [
            "\"schema\": 1", "\"user\": \"alice\"", "\"uid\": 20001", "\"group\": \"lab\"",
            "\"mode\": \"644\"",
            "\"size\": 10", "\"basis\": \"event\"", "\"path\": \"/shared/lab/open/results.csv\"",
            "\"modified\": \"2026-", "\"type\": \"file\"",
        ] { #expect(text.contains(line), "\(line)") }
    }

    @Test("who names person, host, program, session, its second and the client's address")
    func who() {
        let text = gateway.output(of: "file who /shared/lab/open/results.csv")
        #expect(text.contains("alice (20001)"))
        #expect(text.contains("communal1"))
        #expect(text.contains("/usr/bin/python3"))
        #expect(text.contains("\(Gateway.session)  5:00  192.0.2.77"))
        let json = gateway.output(of: "file who /shared/lab/open/results.csv --json")
        #expect(json.contains("\"session_offset\": 300"))
        #expect(json.contains("\"address\": \"192.0.2.77\""))
        #expect(json.contains("\"kind\": \"created\""))
    }

    @Test("who tells sudo as what it is, and what nobody saw as that")
    func whoElse() {
        #expect(
            gateway.output(of: "file who /shared/lab/closed/secret").contains("alice (20001) as root (0)"))
        #expect(
            gateway.output(of: "file who /shared/lab/open/orphan")
                .hasPrefix("nobody was seen to write it; it is uid 4711's"))
    }

    @Test("history goes through renames")
    func history() {
        let text = gateway.output(of: "file history /shared/lab/open/results.csv")
        #expect(text.contains("renamed to /shared/lab/open/results.csv"))
        #expect(text.contains("created, 10 B"))
        #expect(text.contains("/shared/lab/open/.tmp1"))
    }

    @Test("a change of attributes that made the file somebody else's is told as that")
    func handedOver() {
        let text = gateway.output(of: "file handed-over")
        #expect(text.contains("alice:lab"))
        #expect(text.contains("bob:lab"))
        #expect(text.contains("alice (20001) as root (0)"))
        #expect(text.contains("/shared/lab/open/old.bin"))
        #expect(text.split(separator: "\n").count == 2)
    }

    @Test("list finds by size and age, the biggest first")
    func list() {
        let all = gateway.output(of: "file list --user alice").split(separator: "\n").dropFirst()
        #expect(
            all.map { $0.split(separator: "/").last ?? "" } == [
                "results.csv", "alices", "new\\nline\\x1b[31m",
            ])
        #expect(gateway.output(of: "file list --user bob --larger 4G --json").contains("old.bin"))
        #expect(!gateway.output(of: "file list --user alice --older 90d").contains("results.csv"))
        #expect(gateway.output(of: "file list --user 4711").contains("orphan"))
        #expect(errors("file list").0 == .usage)
        #expect(errors("file list --user alice --larger 4X").0 == .usage)
        #expect(errors("file list --user nobody").0 == .notFound)
    }

    @Test("usage sums up by person, group and directory")
    func usage() {
        let users = gateway.output(of: "file usage")
        #expect(users.split(separator: "\n")[1].hasPrefix("bob (20002)    4.6 GiB"))
        #expect(users.contains("uid 4711"))
        #expect(gateway.output(of: "file usage --by group --json").contains("\"group\": \"lab\""))
        let directories = gateway.output(of: "file usage /shared/lab --by dir")
        #expect(directories.contains("/shared/lab/open      4.6 GiB"))
        #expect(directories.contains("/shared/lab (itself)"))
        #expect(gateway.output(of: "file usage --since 1d").contains("+"))
        #expect(errors("file usage --by colour").0 == .usage)
        #expect(errors("file usage --by dir --since 1d").0 == .usage)
    }

    @Test("orphans are uids without a person, and people who have left")
    func orphans() throws {
        #expect(!gateway.output(of: "file orphans").contains("bob"))
        try gateway.services.directory.leaveUser("bob")
        let text = gateway.output(of: "file orphans")
        #expect(text.contains("bob, who has left"))
        #expect(text.contains("4711   nobody"))
        #expect(gateway.output(of: "file orphans --json").contains("\"reason\": \"left\""))
    }

    @Test("gaps tell when nobody watched, and how much is explained")
    func gaps() {
        let text = gateway.output(of: "file gaps")
        #expect(text.contains("reboot"))
        #expect(text.contains("everything"))
        #expect(text.contains("of 5 changes, 0 (0.000 %) were found by scans alone"))
    }

    @Test("an answer says on standard error when nobody watched")
    func remark() {
        let (code, text) = errors("file changes --since 1d")
        #expect(code == .success)
        #expect(text.contains("note: nobody watched on communal1 from"))
        #expect(errors("file changes --since 1h").1 == "")
    }

    @Test("names that could forge a line are escaped, and found by what was shown")
    func hostileNames() {
        let text = gateway.output(of: "file changes --since 1d")
        #expect(text.contains("/shared/lab/open/new\\nline\\x1b[31m"))
        #expect(!text.contains("\u{1B}"))
        #expect(
            gateway.output(of: "file owner --escaped /shared/lab/open/new\\nline\\x1b[31m").contains("alice"))
        #expect(errors("file owner --escaped /shared/lab/\\q").0 == .usage)
        #expect(errors("file owner shared/lab").0 == .usage)
        #expect(errors("file owner /shared/lab/../../etc").0 == .usage)
    }

    @Test("users see what they could see on a host, and no more")
    func visibility() {
        let alice = Gateway.alice
        #expect(gateway.output(of: "file owner /shared/lab/open/old.bin", as: alice).contains("bob"))
        let (code, text) = errors("file owner /shared/lab/closed/secret", as: alice)
        #expect(code == .notFound)
        #expect(text.contains("the book knows no such file that you may see"))
        #expect(errors("file owner /shared/lab/closed/nothing", as: alice).1.count == text.count + 1)
        for line in ["who", "history"] {
            #expect(errors("file \(line) /shared/lab/closed/secret", as: alice).0 == .notFound)
        }
        #expect(!gateway.output(of: "file changes --since 1d", as: alice).contains("closed"))
        #expect(!gateway.output(of: "file list --user alice", as: alice).contains("closed"))
        #expect(!gateway.output(of: "file usage --by dir", as: alice).contains("closed"))
        let own = gateway.output(of: "file usage", as: alice)
        #expect(own.contains("alice") && !own.contains("bob"))
    }

    @Test("the client's address is shown to its owner and to auditors only")
    func address() throws {
        let line = "file who /shared/lab/open/results.csv"
        let bob = Caller.user(name: "bob", role: .user, session: "x", address: "192.0.2.9")
        #expect(gateway.output(of: line, as: Gateway.alice).contains("192.0.2.77"))
        #expect(gateway.output(of: line, as: Gateway.audrey).contains("192.0.2.77"))
        #expect(gateway.output(of: line, as: bob).contains("alice"))
        #expect(!gateway.output(of: line, as: bob).contains("192.0.2.77"))
    }

    @Test("who reaches no host of a tree learns nothing of it")
    func noHost() throws {
        _ = try gateway.services.directory.addUser(NewUser("carol"))
        let carol = Caller.user(name: "carol", role: .user, session: "x", address: "192.0.2.9")
        #expect(errors("file owner /shared/lab/open/old.bin", as: carol).0 == .notFound)
        #expect(gateway.output(of: "file changes --since 1d", as: carol).split(separator: "\n").count == 1)
    }

    @Test("session files lists what a session did, to its owner and to auditors")
    func sessionFiles() {
        let line = "session files \(Gateway.session)"
        #expect(gateway.output(of: line).contains("closed/secret"))
        let own = gateway.output(of: line, as: Gateway.alice)
        #expect(own.contains("results.csv") && !own.contains("closed"))
        let bob = Caller.user(name: "bob", role: .user, session: "x", address: "192.0.2.9")
        #expect(errors(line, as: bob).0 == .notFound)
        #expect(errors("session files 01JD000000000000000000000Z").0 == .notFound)
    }

    @Test("a role is given and taken, and counts at once")
    func role() throws {
        #expect(gateway.output(of: "user role bob auditor").hasPrefix("user bob is now auditor"))
        #expect(try gateway.services.directory.user("bob").role == .auditor)
        #expect(gateway.output(of: "user show bob").contains("auditor"))
        #expect(
            try gateway.changes().last == [
                "action": "user role", "by": "uid 0", "user": "bob", "from": "user", "to": "auditor",
            ])
        #expect(gateway.output(of: "user add dora --auditor").contains("dora"))
        #expect(gateway.output(of: "user list").contains("auditor"))
        #expect(errors("user role bob king").0 == .usage)
    }
}
