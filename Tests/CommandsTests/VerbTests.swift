import Accounts
import Audit
import Authorization
import Commands
import Directory
import SSHKeys
import Support
import Testing

@Suite("Verbs")
struct VerbTests {
    private let gateway: Gateway

    init() throws { gateway = try Gateway() }

    private func fingerprint(_ number: UInt8) throws -> String { try Gateway.material(number).fingerprint }

    @Test("lists are plain columns")
    func lists() throws {
        #expect(
            gateway.output(of: "user list") == """
                NAME   UID    STATE   ROLE   GROUPS  FULL NAME
                ada    20003  active  admin  -       -
                alice  20001  active  user   lab     Alice L
                bob    20002  active  user   lab     -

                """)
        #expect(gateway.output(of: "group list") == "NAME  GID    MEMBERS\nlab   20000  alice,bob\n")
        #expect(
            gateway.output(of: "host list")
                == "NAME       ADDRESS        STATE   KEYS  POOLS     INSTANCE  REMARK\ncommunal1  10.77.0.11:22  active  1     communal  -         -\n"
        )
        #expect(gateway.output(of: "pool list") == "NAME      HOSTS\ncommunal  communal1\n")
        #expect(
            gateway.output(of: "grant list")
                == "ID  WHO        MAY REACH      RIGHTS  UNTIL  ONLY\n1   group lab  pool communal  agent   -      -\n"
        )
        let key = try fingerprint(3)
        #expect(gateway.output(of: "key list alice").contains("alice  ssh-ed25519  \(key)  2026-"))
        #expect(
            gateway.output(of: "hosts", as: Gateway.alice) == """
                NAME        KIND  POOLS     RIGHTS  UNTIL
                communal *  pool  -         -       -
                communal1   host  communal  agent   -

                """)
    }

    @Test("JSON has the schema, and numbers for numbers")
    func json() {
        #expect(gateway.output(of: "user list --json").hasPrefix("{\n  \"schema\": 1,\n  \"users\": [\n"))
        let user = gateway.output(of: "user show alice --json")
        #expect(user.contains("\n    \"uid\": 20001\n"))
        #expect(user.contains("\"created\": \"2026-09-21T14:13:20Z\""))
        #expect(user.contains("\"hosts\": [\n      \"communal1\"\n    ]"))
        #expect(gateway.output(of: "grant list --json").contains("\"until\": null"))
    }

    @Test(
        "each reading command takes --json and prints one document",
        arguments: [
            "whoami", "hosts", "keys list", "user list", "user show alice", "key list", "group list",
            "group show lab", "host list", "host show communal1", "pool list", "grant list", "session list",
            "session list --all", "event list", "config show", "directory export", "account apply communal1",
        ])
    func jsonEverywhere(_ line: String) {
        let text = gateway.output(of: "\(line) --json", as: Gateway.ada)
        #expect(text.hasPrefix("{\n"))
        #expect(text.hasSuffix("\n}\n"))
        #expect(text.contains("\"schema\"") && text.contains(" 1"))
    }

    @Test(
        "what breaks a rule ends with the right status and says why",
        arguments: [
            ("user add alice", 1, "gatehouse: user add: "),
            ("user add Alice", 64, "names are lower case: 'alice'"),
            ("user add root", 64, "'root' belongs to the system"),
            ("user add dora --uid 20001", 1, "20001"),
            ("user add dora --uid 7", 1, "7"),
            ("user add dora --group nope", 66, "nope"),
            ("user show dora", 66, "dora"),
            ("key remove alice SHA256:nope", 66, "SHA256:nope"),
            ("group add lab", 1, "lab"),
            ("group add-member lab nobody1", 66, "nobody1"),
            ("pool join communal nope", 66, "nope"),
            ("host add communal1 --address 10.0.0.1 --key h.pub", 1, "communal1"),
            ("host add h --address 10.0.0.1:0 --key h.pub", 64, "'0' is not a port"),
            ("host add h --address 10.0.0.1", 64, "one of --key and --scan"),
            (
                "host add h --address 10.0.0.1 --key h.pub --instance i-0", 64,
                "'i-0' is not the id of an instance"
            ),
            (
                "host add h --address 10.0.0.1 --key h.pub --region eu-west-1", 64,
                "--region goes with --instance"
            ),
            ("host add h --address 10.0.0.1 --key h.pub --accounts magic", 64, "automatic, ssm, ssh, local"),
            ("host set communal1", 64, "there is nothing to change"),
            ("host set communal1 --accounts ssh --instance i-xyz", 64, "'i-xyz'"),
            ("host set communal1 --accounts ssh --address=-x", 64, "'-x' is not an address"),
            ("host set nope --accounts ssh", 66, "nope"),
            ("host set communal1 --accounts ssm", 64, "is no instance"),
            ("grant add --user alice --host nope", 66, "nope"),
            ("grant add --user alice --group lab --host communal1", 64, "one of --user and --group"),
            ("grant add --user alice --host communal1 --until tomorrow", 64, "'tomorrow' is not a time"),
            ("grant add --user alice --host communal1 --until 2020-01-01", 64, "is past"),
            ("grant remove 99", 66, "99"),
            ("grant remove x", 64, "'x'"),
            ("account apply nope", 66, "nope"),
            ("session show nope", 66, "there is no session 'nope'"),
            ("session kill nope", 66, "there is no live session 'nope'"),
            ("key add alice nope.pub", 66, "open nope.pub: No such file or directory"),
            ("key add alice bad.pub", 64, "hint: give a public key"),
            ("directory import bad.pub", 64, "gatehouse: directory import: "),
            ("user leave alice", 64, "hint: add --yes"),
            ("host remove communal1", 64, "hint: add --yes"),
            ("init", 77, "on the gateway's machine"),
        ] as [(String, UInt8, String)])
    func refusals(_ line: String, _ status: UInt8, _ text: String) throws {
        let before = try gateway.services.directory.exportJSON()
        let terminal = Transcript(files: ["h.pub": Gateway.key(8), "bad.pub": "hello"])
        #expect(gateway.run(line, on: terminal).rawValue == status)
        #expect(terminal.errors.contains(text))
        #expect(terminal.errors.hasPrefix("gatehouse: "))
        #expect(terminal.output == "")
        #expect(try gateway.services.directory.exportJSON() == before)
        #expect(try gateway.changes().isEmpty)
    }

    @Test("a user is added, and the event log knows by whom")
    func addUser() throws {
        let terminal = Transcript()
        #expect(
            gateway.run("user add dora --full-name=Dora --group lab --admin", as: Gateway.ada, on: terminal)
                == .success)
        #expect(terminal.output == "user dora added with uid 20004\n")
        #expect(terminal.errors == "next: gatehouse key add dora FILE\n")
        let event = try gateway.services.events.events(EventQuery(kind: .directoryChanged))[0].event
        #expect(event.user == "ada")
        #expect(event.address == "192.0.2.2")
        #expect(
            event.detail == [
                "action": "user add", "by": "ada", "user": "dora", "uid": "20004", "role": "admin",
                "groups": "lab",
            ])
    }

    @Test("every command that changes something is in the event log")
    func changesAreEvents() throws {
        let files = ["k.pub": Gateway.key(8, comment: "x"), "h.pub": Gateway.key(7)]
        let fingerprint = try fingerprint(8)
        let lines = [
            "group add ops", "group add-member ops ada", "group remove-member ops ada", "key add bob k.pub",
            "key remove bob \(fingerprint)", "host add gpu1 --address gpu1.internal:2022 --key h.pub",
            "host set gpu1 --accounts ssh --instance i-0123456789abcdef0",
            "pool add gpus", "pool join gpus gpu1", "pool leave gpus gpu1",
            "grant add --user bob --host gpu1 --sudo --until 2h", "grant remove 2", "host remove gpu1 --yes",
            "user lock bob", "user unlock bob", "user leave bob --yes", "user add dora",
            "session kill 01JD0000000000000000000000",
        ]
        for line in lines {
            let terminal = Transcript(files: files)
            #expect(gateway.run(line, on: terminal) == .success, "\(line): \(terminal.errors)")
        }
        let changes = try gateway.changes()
        #expect(
            changes.map { $0["action"] }
                == lines.map { $0.split(separator: " ").prefix(2).joined(separator: " ") })
        #expect(changes.allSatisfy { $0["by"] == "uid 0" })
        #expect(changes.allSatisfy { change in change.values.allSatisfy { !$0.contains("AAAA") } })
    }

    @Test("locking and leaving end live sessions")
    func endsSessions() throws {
        #expect(gateway.output(of: "user lock bob") == "user bob is locked; sessions ended: 2\n")
        #expect(gateway.output(of: "user leave alice --yes") == "user alice has left; sessions ended: 2\n")
        #expect(gateway.daemon.state.withLock { $0.ended } == ["bob", "alice"])
    }

    @Test("what cannot be undone is asked on a terminal", arguments: ["n", "", "Y", "yes"])
    func asks(_ answer: String) throws {
        let terminal = Transcript(answers: [answer])
        let isYes = ["y", "yes"].contains(answer.lowercased())
        #expect(gateway.run("user leave bob", on: terminal) == (isYes ? .success : .failure))
        #expect(terminal.questions.count == 1)
        #expect(terminal.questions[0].hasSuffix("uid 20002 stays theirs. Go on? [y/N]"))
        #expect(try gateway.services.directory.user("bob").state == (isYes ? .left : .active))
    }

    @Test("a private key is refused loudly and never shown", arguments: [true, false])
    func privateKey(_ fromInput: Bool) throws {
        let secret = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQ"
        let text = "-----BEGIN OPENSSH PRIVATE KEY-----\n\(secret)\n-----END OPENSSH PRIVATE KEY-----\n"
        let terminal = Transcript(input: text, files: ["k": text])
        #expect(gateway.run("key add bob \(fromInput ? "-" : "k")", on: terminal) == .refused)
        #expect(terminal.errors.contains("PRIVATE key"))
        #expect(!terminal.errors.contains(secret.prefix(16)))
        #expect(terminal.output == "")
        #expect(try gateway.services.directory.keys(of: "bob").isEmpty)
    }

    @Test("a key can be somebody's only once")
    func keyTaken() throws {
        let terminal = Transcript(files: ["k.pub": Gateway.key(3)])
        #expect(gateway.run("key add bob k.pub", on: terminal) == .failure)
        #expect(terminal.errors.contains("gatehouse: key add: "))
    }

    @Test("one's own last key goes only when that is confirmed")
    func lastKey() throws {
        let fingerprint = try fingerprint(3)
        let terminal = Transcript(input: Gateway.key(9))
        #expect(gateway.run("keys remove \(fingerprint)", as: Gateway.alice, on: terminal) == .usage)
        #expect(gateway.run("keys add - --comment second", as: Gateway.alice, on: terminal) == .success)
        #expect(gateway.run("keys remove \(fingerprint)", as: Gateway.alice, on: terminal) == .success)
        let second = try self.fingerprint(9)
        #expect(gateway.output(of: "keys list", as: Gateway.alice).contains("second"))
        #expect(gateway.run("keys remove \(second) --yes", as: Gateway.alice, on: terminal) == .success)
        #expect(try gateway.services.directory.keys(of: "alice").isEmpty)
    }

    @Test("a host that is an instance is shown as such, with the way its accounts are made")
    func instance() throws {
        let line =
            "host add gpu1 --address gpu1 --key h.pub --instance i-0123456789abcdef0 --region eu-west-1"
        let terminal = Transcript(files: ["h.pub": Gateway.key(7)])
        #expect(gateway.run(line, on: terminal) == .success)
        #expect(
            gateway.output(of: "host list").hasSuffix(
                "gpu1       gpu1:22        active  1     -         i-0123456789abcdef0  -\n"))
        let shown = gateway.output(of: "host show gpu1")
        #expect(shown.contains("instance:   i-0123456789abcdef0 in eu-west-1\nlast seen:  never\n"))
        #expect(shown.contains("accounts:   ssm (automatic)\ntransport:  automatic\n"))
        var change = HostChange()
        change.instance = HostInstance(id: "i-0123456789abcdef0", state: .shuttingDown, lastSeen: Gateway.now)
        try gateway.services.directory.changeHost("gpu1", change)
        #expect(gateway.output(of: "host list").contains("shutting-down"))
        let json = gateway.output(of: "host show gpu1 --json")
        #expect(
            json.contains("\"last_seen\": \"2026-09-21T14:13:20Z\"") && json.contains("\"state\": \"active\"")
        )
        #expect(gateway.output(of: "host set gpu1 --instance none --accounts local") == "host gpu1 changed\n")
        #expect(gateway.output(of: "host show gpu1").contains("accounts:   local\ntransport:  automatic\n"))
        #expect(gateway.output(of: "host show gpu1 --json").contains("\"instance\": null"))
    }

    @Test("a scan shows fingerprints, and adds them only when that is confirmed")
    func scan() throws {
        let blob = try PublicKey.parse(Gateway.key(5)).blob
        gateway.daemon.state.withLock { $0.hostKeys = [blob, [1, 2, 3]] }
        let line = "host add gpu1 --address 10.0.0.9 --scan"
        let shown = "ssh-ed25519 \(try fingerprint(5))\n"

        let script = Transcript()
        #expect(gateway.run(line, on: script) == .usage)
        #expect(script.output == shown)
        let doubting = Transcript(answers: ["no"])
        #expect(gateway.run(line, on: doubting) == .failure)
        #expect(doubting.output == shown)
        #expect(try gateway.services.directory.findHost("gpu1") == nil)
        let sure = Transcript(answers: ["yes"])
        #expect(gateway.run(line, on: sure) == .success)
        #expect(sure.output == shown + "host gpu1 added at 10.0.0.9:22, keys: 1\n")
        #expect(try gateway.services.directory.host("gpu1").keys.map(\.blob) == [blob])
    }

    @Test("a host that shows no usable key is not added")
    func scanOfNothing() throws {
        let terminal = Transcript()
        #expect(gateway.run("host add gpu1 --address 10.0.0.9 --scan --yes", on: terminal) == .unavailable)
    }

    @Test("a grant says what it is for, and when it holds")
    func grantWords() throws {
        let lines = [
            ("--all --files-only", "files only"),
            ("--all --files-only --forward-ports 80", "files only, ports 80"),
            ("--all --no-login --forward-ports 8888,80", "no login, ports 80,8888"),
            ("--all --forward-ports 80 --remote-forwarding", "ports 80, remote forwarding"),
            ("--all --no-remote-forwarding", "no remote forwarding"),
            ("--host communal1 --no-forwarding", "no forwarding"),
            ("--host communal1 --sudo --agent --record", "sudo, agent, record"),
        ]
        for (line, text) in lines {
            #expect(gateway.run("grant add --user bob \(line)") == .success)
            let rows = gateway.output(of: "grant list").split(separator: "\n")
            #expect(rows.last?.contains("  \(text)  ") ?? false, "\(rows)")
        }
        #expect(
            gateway.run(
                "grant add --user bob --all --from 2h --until 3d --days mon-fri --hours 08:00-18:00 --zone +02:00"
            )
                == .success)
        let list = gateway.output(of: "grant list")
        #expect(list.contains("from 2026-09-21T16:13:20Z, mon-fri 08:00-18:00 +02:00\n"))
        for zone in ["--zone -05:00", "--zone=-05:00"] {
            #expect(gateway.run("grant add --user bob --all --days mon \(zone)") == .success)
        }
        #expect(gateway.output(of: "grant list").hasSuffix("mon 00:00-24:00 -05:00\n"))
        #expect(list.contains("every host"))
    }

    @Test(
        "a grant that contradicts itself is refused",
        arguments: [
            "--all", "--user bob", "--user bob --all --host communal1",
            "--user bob --all --files-only --no-login",
            "--user bob --all --no-forwarding --forward-ports 80", "--user bob --all --forward-ports 0",
            "--user bob --all --forward-ports", "--user bob --all --remote-forwarding --no-remote-forwarding",
            "--user bob --all --files-only --sudo", "--user bob --all --files-only --agent",
            "--user bob --all --no-login --no-forwarding", "--user bob --all --zone UTC",
            "--user bob --all --days monday", "--user bob --all --hours 8-18",
            "--user bob --all --days mon --zone Mars", "--user bob --all --zone --days mon",
            "--user bob --all --days mon --zone -5", "--user bob --all --days -1",
            "--user bob --all --from 2h --until 1h",
        ])
    func grantNonsense(_ line: String) throws {
        #expect(gateway.run("grant add \(line)") == .usage)
        #expect(try gateway.services.directory.grants().count == 1)
    }

    @Test("an explanation names the grant that decides, for a host and for each of a pool")
    func explanation() throws {
        let text = gateway.output(of: "grant explain alice communal1")
        #expect(text.contains("alice reaches communal1 at 2026-09-21T14:13:20Z\n"))
        #expect(text.contains("forward an agent     yes  grant 1\n"))
        #expect(text.contains("become root          no   no grant gives it\n"))
        #expect(gateway.output(of: "grant explain ada communal").contains("ada does not reach communal1"))
        #expect(gateway.output(of: "grant explain alice communal --json").contains("\"reachable\": true"))
        #expect(gateway.run("grant explain nobody communal") == .notFound)
        #expect(gateway.run("grant explain alice nowhere") == .notFound)
    }

    @Test("a grant's end counts from now")
    func grantUntil() throws {
        let text = gateway.output(
            of: "grant add --user bob --host communal1 --sudo --no-forwarding --until 2h")
        #expect(text == "grant 2 added: user bob to host communal1 until 2026-09-21T16:13:20Z\n")
        let grant = try gateway.services.directory.grant(2)
        #expect(grant.rights == Rights(sudo: true, forwarding: .none))
        #expect(gateway.output(of: "grant list").contains("sudo, no forwarding  2026-09-21T16:13:20Z  -\n"))
    }

    @Test("the bootstrap line is all there is on standard output")
    func bootstrap() throws {
        let terminal = Transcript()
        #expect(gateway.run("host bootstrap gpu1", on: terminal) == .success)
        #expect(
            terminal.output
                == "cert-authority,principals=\"gatehouse-root@gpu1\" \(Gateway.key(1)) gatehouse-user-ca\n")
    }

    @Test("a conflict on a host is reported, and the command fails")
    func conflict() throws {
        gateway.daemon.state.withLock {
            $0.report = AccountReport(
                changed: true,
                users: [
                    .init(name: "alice", result: .created, reason: "uid 20001"),
                    .init(name: "bob", result: .conflict, reason: "uid 20002 is games"),
                ], sshdChanged: true, sshdReloaded: true)
        }
        let terminal = Transcript()
        #expect(gateway.run("account apply communal1", on: terminal) == .failure)
        #expect(
            terminal.output.contains(
                "user  bob    conflict  uid 20002 is games\nsshd  -      updated   reloaded\n"))
        let event = try gateway.services.events.events(EventQuery(kind: .accountApplied))[0].event
        #expect(event.host == "communal1")
        #expect(
            event.detail == [
                "by": "uid 0", "changed": "1", "conflicts": "1", "reasons": "bob: uid 20002 is games",
            ])
    }

    @Test("several hosts are done at once; one that fails is told, and does not keep the others")
    func applyToMany() throws {
        try gateway.services.directory.addHost("communal2", address: "10.77.0.12", keys: [], at: Gateway.now)
        gateway.daemon.state.withLock {
            $0.report = AccountReport(changed: false, users: [.init(name: "alice", result: .unchanged)])
            $0.failures = ["communal2": CommandError(.unavailable, "communal2 cannot be reached")]
        }
        let terminal = Transcript()
        #expect(gateway.run("account apply --all", on: terminal) == .failure)
        #expect(
            terminal.output == """
                communal1: nothing changed, 1 users
                communal2: failed: communal2 cannot be reached

                """)
        #expect(terminal.errors.contains("1 of 2 hosts failed: communal2"))
        let failed = try gateway.services.events.events(EventQuery(kind: .accountFailed))[0].event
        #expect(failed.host == "communal2" && failed.detail["reason"] == "communal2 cannot be reached")
        #expect(gateway.output(of: "account apply communal").hasPrefix("communal1: nothing changed"))
    }

    @Test("a plan asks only, and what has drifted is an event")
    func plan() throws {
        gateway.daemon.state.withLock { $0.drifted = ["alice": "keys", "": "sshd"] }
        #expect(
            gateway.output(of: "account plan communal1").hasSuffix("communal1: nothing to do for 0 users\n"))
        #expect(gateway.daemon.state.withLock { $0.asked } == ["plan communal1"])
        let event = try gateway.services.events.events(EventQuery(kind: .accountDrifted))[0].event
        #expect(event.detail == ["what": "host: sshd; alice: keys"])
    }

    @Test("status prints what is known")
    func accountStatus() {
        gateway.daemon.state.withLock {
            $0.status = [
                AccountStatus(host: "communal1", user: nil, state: .ok, since: Gateway.now),
                AccountStatus(host: "communal1", user: "alice", state: .missing, since: nil),
            ]
        }
        #expect(
            gateway.output(of: "account status") == """
                HOST       USER   STATE    SINCE                 REASON
                communal1  -      ok       2026-09-21T14:13:20Z  -
                communal1  alice  missing  -                     -

                """)
        #expect(gateway.output(of: "account status communal --json").contains(#""state": "missing""#))
    }

    @Test("adoption shows what becomes different, and asks")
    func adoption() {
        gateway.daemon.state.withLock {
            $0.report = AccountReport(
                changed: false,
                users: [.init(name: "alice", result: .conflict, reason: "name-unmanaged: uid 20001")])
            $0.adoption = AccountReport(
                changed: true,
                users: [.init(name: "alice", result: .updated, reason: "shell /bin/bash was /bin/sh")])
        }
        let terminal = Transcript()
        #expect(gateway.run("account adopt communal1 alice", on: terminal) == .usage)
        #expect(terminal.output.contains("shell /bin/bash was /bin/sh"))
        #expect(gateway.daemon.state.withLock { $0.asked }.allSatisfy { $0.hasPrefix("plan") })
        #expect(gateway.output(of: "account adopt communal1 alice --yes").hasSuffix("is adopted\n"))
        #expect(gateway.daemon.state.withLock { $0.asked.last } == "apply communal1 alice")
        #expect(gateway.run("account adopt communal1 ada --yes") == .failure)
    }

    @Test("the event log has what people run over SSH, and what they may not")
    func commandsAreEvents() throws {
        gateway.run("hosts --json", as: Gateway.alice)
        gateway.run("user list", as: Gateway.alice)
        gateway.run("keys frob", as: Gateway.alice)
        gateway.run("user list")
        let events = try gateway.services.events.events().map(\.event)
        #expect(events.map(\.kind) == ["command.run", "refused"])
        #expect(events.allSatisfy { $0.user == "alice" && $0.session == Gateway.alice.session })
        #expect(events[0].detail == ["command": "hosts --json"])
        #expect(events[1].detail["what"] == "command user list")
    }

    @Test("whoami tells people and the operator who they are")
    func whoAmI() {
        let text = gateway.output(of: "whoami", as: Gateway.alice)
        #expect(
            text.hasPrefix("user:       alice\nfull name:  Alice L\nuid:        20001\ngroups:     lab\n"))
        #expect(gateway.output(of: "whoami") == "operator:  uid 0\nrole:      admin\n")
    }

    @Test("ssh-config prints an entry for the gate, each pool and each host, and the gateway's key")
    func sshConfig() {
        let text = gateway.output(of: "ssh-config --gateway gate.example.org:22", as: Gateway.alice)
        #expect(
            text == """
                # Gatehouse. To know the gateway before the first login, put this into ~/.ssh/known_hosts:
                # gatehouse \(Gateway.key(2))
                # communal.gatehouse \(Gateway.key(4))
                # communal1.gatehouse \(Gateway.key(4))

                Host gate
                    HostName gate.example.org
                    Port 22
                    User alice+gate
                    HostKeyAlias gatehouse
                    ServerAliveInterval 15

                Host communal
                    HostName gate.example.org
                    Port 22
                    User alice+communal
                    HostKeyAlias gatehouse
                    ServerAliveInterval 15

                Host communal1
                    HostName gate.example.org
                    Port 22
                    User alice+communal1
                    HostKeyAlias gatehouse
                    ServerAliveInterval 15

                Host gatehouse-jump
                    HostName gate.example.org
                    Port 22
                    User alice
                    HostKeyAlias gatehouse
                    ServerAliveInterval 15

                Host communal-direct
                    HostName communal
                    User alice
                    ProxyJump gatehouse-jump
                    HostKeyAlias communal.gatehouse
                    ServerAliveInterval 15

                Host communal1-direct
                    HostName communal1
                    User alice
                    ProxyJump gatehouse-jump
                    HostKeyAlias communal1.gatehouse
                    ServerAliveInterval 15

                """)
    }

    @Test("ssh-config jumps to what requires something through a login that is asked for it")
    func sshConfigRequired() throws {
        for name in ["vault", "open"] {
            try gateway.services.directory.addHost(
                name, address: "10.77.0.12", keys: [try Gateway.material(4)], at: Gateway.now)
            try gateway.services.directory.addGrant(
                .user("alice"), to: .host(name), requiring: name == "vault" ? .code : [], at: Gateway.now)
        }
        let text = gateway.output(of: "ssh-config --gateway gate.example.org:22", as: Gateway.alice)
        #expect(
            text.contains(
                """

                Host gatehouse-jump-vault
                    HostName gate.example.org
                    Port 22
                    User alice+vault
                    HostKeyAlias gatehouse
                    ServerAliveInterval 15

                Host vault-direct
                    HostName vault
                    User alice
                    ProxyJump gatehouse-jump-vault
                    HostKeyAlias vault.gatehouse

                """))
        #expect(
            text.contains(
                "Host open-direct\n    HostName open\n    User alice\n    ProxyJump gatehouse-jump\n"))
        // Where a login needs less than a jump, too: a code that counts already opens it.
        try gateway.services.directory.addGrant(
            .user("alice"), to: .host("open"), Rights(agent: true), requiring: .code, at: Gateway.now)
        #expect(
            gateway.output(of: "ssh-config", as: Gateway.alice).contains("ProxyJump gatehouse-jump-open\n"))
    }

    @Test("ssh-config has no jump to what is recorded, and takes no gateway that is no address")
    func sshConfigRecorded() throws {
        try gateway.services.directory.addGrant(
            .user("alice"), to: .host("communal1"), Rights(record: true), at: Gateway.now)
        #expect(!gateway.output(of: "ssh-config", as: Gateway.alice).contains("direct"))
        for address in ["a'b", "$(id)", "a;b", "a`b`"] {
            #expect(gateway.run("ssh-config --gateway \(address)", as: Gateway.alice) == .usage)
        }
    }

    @Test("hosts --links prints links for IDEs")
    func links() {
        let text = gateway.output(of: "hosts --links --gateway [fd00::7]:22", as: Gateway.alice)
        #expect(
            text.contains(
                """
                communal1
                  vscode://vscode-remote/ssh-remote+communal1/home/alice
                  jetbrains-gateway://connect#type=ssh&deploy=false&host=fd00%3A%3A7&port=22\
                &user=alice%2Bcommunal1&projectPath=%2Fhome%2Falice

                """))
        #expect(
            gateway.output(of: "hosts --json", as: Gateway.alice).contains("ssh-remote+communal/home/alice"))
    }

    @Test("what is exported can be taken in elsewhere")
    func exportAndImport() throws {
        let document = gateway.output(of: "directory export")
        let other = try Gateway(people: false)
        let terminal = Transcript(input: document)
        #expect(other.run("directory import -", on: terminal) == .success)
        #expect(other.output(of: "directory export") == document)
    }

    @Test("the gateway's own CA is not taken in as one of users")
    func ownAuthority() throws {
        let own = try Gateway.material(1)
        let blob = Base64.encode(own.blob)
        let terminal = Transcript(
            input: """
                {"schema": 1, "authorities": [{"name": "own", "key":
                  {"type": "\(own.type)", "blob": "\(blob)", "fingerprint": "\(own.fingerprint)"}}]}
                """)
        #expect(gateway.run("directory import -", on: terminal) != .success)
        #expect(terminal.errors.contains("the gateway's own CA"))
        #expect(!gateway.output(of: "directory export").contains(blob))
    }

    @Test("sessions are listed, shown and found")
    func sessions() throws {
        let log = gateway.services.events
        let id = "01JD0000000000000000000009"
        try log.start(
            Session(
                id: id, user: "alice", host: "communal1", clientAddress: "192.0.2.7", started: Gateway.now),
            with: [Event(.sessionStarted, at: Gateway.now, session: id, user: "alice")])
        #expect(
            gateway.output(of: "session list").hasSuffix(
                "\n\(id)  alice  communal1  192.0.2.7  2026-09-21T14:13:20Z  live   -\n"))
        #expect(gateway.output(of: "session show \(id)").contains("2026-09-21T14:13:20Z  session.start"))
        #expect(gateway.output(of: "session list --json").contains("\"bytes_from_client\": 0,"))
        try log.end(id, at: Gateway.now, reason: "done")
        #expect(gateway.output(of: "session list") == "SESSION  USER  HOST  FROM  STARTED  ENDED  RECORDED\n")
        #expect(gateway.output(of: "session list --all").contains(id))
    }

    @Test("events are filtered, limited and never forge a line")
    func events() throws {
        let log = gateway.services.events
        for number in 1...5 {
            try log.append(
                Event(
                    .refused, at: Gateway.now, user: number == 3 ? "alice" : "bob",
                    detail: ["what": "x \(number)\n"]))
        }
        #expect(
            gateway.output(of: "event list --user alice")
                == "2026-09-21T14:13:20Z  refused            user=alice what=\"x 3\\n\"\n")
        #expect(gateway.output(of: "event list --limit 2").split(separator: "\n").count == 2)
        #expect(gateway.run("event list --limit -1") == .usage)
        #expect(gateway.run("event list --kind file.moved") == .usage)
        #expect(gateway.output(of: "event list --kind daemon.stop") == "")
    }

    @Test("following events prints what comes, one JSON document a line, until the peer leaves")
    func follow() throws {
        try gateway.services.events.append(Event(.daemonStarted, at: Gateway.now))
        let terminal = Transcript(pauses: 3)
        #expect(gateway.run("event list --follow --json", on: terminal) == .failure)
        #expect(terminal.errors == "")
        let lines = terminal.output.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines[0].contains("\"schema\": 1"))
    }
}
