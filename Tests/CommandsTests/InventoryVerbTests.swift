import Audit
import Commands
import Directory
import Inventory
import Support
import Testing

@Suite("Verbs about instances")
struct InventoryVerbTests {
    private let gateway: Gateway
    private let id = "i-0123456789abcdef0"

    init() throws {
        gateway = try Gateway()
    }

    private func change(_ change: (inout QuietDaemon.State) -> Void) {
        gateway.daemon.state.withLock { change(&$0) }
    }

    private var asked: [String] { gateway.daemon.state.withLock { $0.asked } }

    private func plan(_ outcome: InventoryPlan.Outcome) -> InventoryPlan {
        InventoryPlan(entries: [
            .init(instance: id, host: "gpu1", outcome: outcome, notes: ["running, address 10.0.0.1"]),
            .init(instance: "i-00000001", outcome: .left, notes: ["it is terminated"]),
        ])
    }

    @Test("an import says what became of each instance, and is in the event log")
    func imports() throws {
        change { state in
            state.outcome = InventoryOutcome(
                plan: plan(.added), keys: [(host: "gpu1", finding: .success(.pinned))])
        }
        let terminal = Transcript()
        #expect(gateway.run("host import --tag Team=lab --pool-tag Pool", on: terminal) == .success)
        #expect(
            terminal.output == """
                HOST  INSTANCE             WHAT        DETAIL
                gpu1  i-0123456789abcdef0  added       running, address 10.0.0.1
                -     i-00000001           left alone  it is terminated
                gpu1: host keys pinned

                """)
        #expect(terminal.errors == "1 added, 1 left alone\nnext: gatehouse account apply --all\n")
        let change = try #require(try gateway.changes().first)
        #expect(change["what"] == "--tag Team=lab --pool-tag Pool")
        #expect(asked == ["import [\"Team\"] false uid 0"])
    }

    @Test("a rehearsal says that nothing was changed, and leaves no trace")
    func rehearsal() throws {
        change { $0.outcome = InventoryOutcome(plan: plan(.added)) }
        let terminal = Transcript()
        #expect(gateway.run("host import --instance \(id) --dry-run", on: terminal) == .success)
        #expect(terminal.errors == "would be: 1 added, 1 left alone; nothing was changed\n")
        #expect(try gateway.changes().isEmpty)
        #expect(asked == ["import [\"\(id)\"] true uid 0"])
    }

    @Test("a host whose keys are not known makes the status a failure")
    func keysMissing() {
        change { state in
            state.outcome = InventoryOutcome(
                plan: plan(.unchanged),
                keys: [(host: "gpu1", finding: .failure(CommandError(.failure, "nothing came")))])
        }
        let terminal = Transcript()
        #expect(gateway.run("host refresh", on: terminal) == .failure)
        #expect(terminal.output.hasSuffix("gpu1: host keys not known: nothing came\n"))
        let json = Transcript()
        #expect(gateway.run("host refresh --json --dry-run", on: json) == .failure)
        #expect(json.output.contains("\"finding\": \"host keys not known: nothing came\""))
        #expect(json.output.contains("\"dry_run\": true"))
    }

    @Test("what was imported is listed, and forgotten")
    func sources() throws {
        let selection = InstanceSelection(
            tags: [.init(key: "Team", value: "lab")], poolTag: "Pool", naming: .id)
        try gateway.services.directory.addSource(selection, region: "eu-central-1", at: Gateway.now)
        #expect(
            gateway.output(of: "host import --list")
                == """
                ID  REGION        WHAT                                      SINCE
                1   eu-central-1  --tag Team=lab --pool-tag Pool --names id  2026-09-21T14:13:20Z

                """.replacing("WHAT     ", with: "WHAT      "))
        #expect(gateway.output(of: "host import --list --json").contains("\"pool_tag\": \"Pool\""))
        #expect(
            gateway.output(of: "host import --forget 1")
                == "import 1 is not asked for any more; its hosts stay\n")
        #expect(gateway.run("host import --forget 1") == .notFound)
        #expect(try gateway.changes().map { $0["action"] } == ["host import"])
    }

    @Test("a cloud that does not answer is remarked where states are shown")
    func silence() {
        change { $0.condition = InventoryCondition(problem: "AWS is away", since: Gateway.now) }
        for line in ["host list", "host import --list"] {
            let terminal = Transcript()
            #expect(gateway.run(line, on: terminal) == .success)
            #expect(
                terminal.errors
                    == "states of instances may be old, since 2026-09-21T14:13:20Z: AWS is away\n")
        }
        #expect(gateway.output(of: "host list --json").contains("\"inventory_problem\": \"AWS is away\""))
    }

    @Test("a host that needs somebody is remarked")
    func remarks() throws {
        let directory = gateway.services.directory
        func set(_ instance: HostInstance) throws {
            var change = HostChange()
            change.instance = instance
            try directory.changeHost("communal1", change)
        }
        func remark() -> String {
            gateway.output(of: "host list").split(separator: "\n").last.map(String.init) ?? ""
        }
        try set(HostInstance(id: id, state: .running, isAgentOnline: false))
        #expect(remark().hasSuffix("no word from its SSM agent"))
        try set(HostInstance(id: id, state: .stopped, isAgentOnline: false))
        #expect(remark().hasSuffix("\(id)  -"))
        try set(HostInstance(id: id, state: .running, otherKeys: ["SHA256:x"]))
        #expect(remark().hasSuffix("other host keys than pinned"))
        #expect(gateway.output(of: "host show communal1").contains("other keys:  SHA256:x\n"))
        try directory.setHostKeys([], of: "communal1")
        #expect(remark().hasSuffix("no host keys yet"))
    }

    @Test("hosts that are down are left out where several are worked on")
    func leftOut() throws {
        try gateway.services.directory.addHost(
            "gpu1", address: "10.0.0.9", keys: [], instance: HostInstance(id: id, state: .stopped))
        for verb in ["apply", "plan"] {
            change { $0.asked = [] }
            let terminal = Transcript()
            #expect(gateway.run("account \(verb) --all", on: terminal) == .success)
            #expect(terminal.errors.contains("left out, since they are stopped or gone: gpu1\n"))
            #expect(asked == ["\(verb) communal1"])
        }
        change { $0.asked = [] }
        gateway.run("account apply gpu1")
        #expect(asked == ["apply gpu1"])
    }

    @Test("an instance is added by its id alone: address and keys come over the cloud")
    func addByID() throws {
        change { state in
            state.instance = ObservedInstance(
                id: id, region: "eu-west-1", state: .running, privateAddress: "10.0.0.9",
                platform: "Debian GNU/Linux 12", isAgentOnline: true)
            state.instanceKeys = (try? [Gateway.material(7)]) ?? []
        }
        #expect(
            gateway.output(of: "host add gpu1 --instance \(id)")
                == "host gpu1 added at 10.0.0.9:22, keys: 1\n")
        let host = try gateway.services.directory.host("gpu1")
        #expect(host.keys == [try Gateway.material(7)])
        #expect(host.instance?.region == "eu-west-1" && host.instance?.address == "10.0.0.9")
        #expect(host.instance?.state == .running)
    }

    @Test("an instance that does not exist or has no address is not added")
    func addNothing() throws {
        let terminal = Transcript()
        #expect(gateway.run("host add gpu1 --instance \(id)", on: terminal) == .notFound)
        #expect(terminal.errors.contains("there is no instance '\(id)'"))
        change { $0.instance = ObservedInstance(id: id, region: "eu-west-1", state: .terminated) }
        #expect(gateway.run("host add gpu1 --instance \(id)", on: terminal) == .unavailable)
        #expect(try gateway.services.directory.findHost("gpu1") == nil)
    }

    @Test("new host keys are shown beside the old ones, and pinned when that is confirmed")
    func rekey() throws {
        let (old, new) = (try Gateway.material(4), try Gateway.material(7))
        change { $0.instanceKeys = [new] }
        let shown = "- ssh-ed25519 \(old.fingerprint)\n+ ssh-ed25519 \(new.fingerprint)\n"
        let doubting = Transcript(answers: ["no"])
        #expect(gateway.run("host rekey communal1", on: doubting) == .failure)
        #expect(doubting.output == shown)
        #expect(gateway.run("host rekey communal1") == .usage)
        #expect(try gateway.services.directory.host("communal1").keys == [old])
        #expect(try gateway.changes().isEmpty)
        #expect(
            gateway.output(of: "host rekey communal1 --yes") == shown + "host communal1 has new keys: 1\n")
        #expect(try gateway.services.directory.host("communal1").keys == [new])
        let change = try #require(try gateway.changes().first)
        #expect(change["keys"] == new.fingerprint && change["before"] == old.fingerprint)
        #expect(gateway.output(of: "host rekey communal1") == "communal1 has the keys that are pinned\n")
    }

    @Test("new host keys come from a file or a scan too")
    func rekeyOtherwise() throws {
        let terminal = Transcript(files: ["h.pub": Gateway.key(8)])
        #expect(gateway.run("host rekey communal1 --key h.pub --yes", on: terminal) == .success)
        #expect(try gateway.services.directory.host("communal1").keys == [try Gateway.material(8)])
        #expect(gateway.run("host rekey communal1 --scan --yes") == .unavailable)
        let blob = try Gateway.material(9).blob
        change { $0.hostKeys = [blob] }
        #expect(gateway.run("host rekey communal1 --scan --yes") == .success)
        #expect(try gateway.services.directory.host("communal1").keys == [try Gateway.material(9)])
    }

    @Test(
        "words that make no sense are refused",
        arguments: [
            ("host import", "--tag, --instance or --pool-tag"),
            ("host import --list --tag a=b", "stand alone"),
            ("host import --list --forget 1", "stand alone"), ("host import --tag Team", "KEY=VALUE"),
            ("host import --tag =x", "KEY=VALUE"),
            ("host import --tag a=b --instance i-01234567", "do not go together"),
            ("host import --tag a=b --names odd", "tag or id"), ("host import --forget x", "is a number"),
            ("host rekey communal1 --key - --scan", "one of --key and --scan"),
            ("host add h --key -", "--address is missing"),
        ])
    func usage(_ line: String, _ words: String) {
        let terminal = Transcript()
        #expect(gateway.run(line, on: terminal) == .usage)
        #expect(terminal.errors.contains(words))
    }
}
