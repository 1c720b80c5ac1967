import Directory
import Inventory
import Support
import Testing

@Suite("What an inventory makes of the directory")
struct InventoryRuleTests {
    private static let team = InstanceSelection(tags: [.init(key: "Team", value: "lab")])
    private static let byID = InstanceSelection(tags: [.init(key: "Team", value: "lab")], naming: .id)
    private static let pools = InstanceSelection(poolTag: "Pool")

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var scene: Scene
        var lines: [String]

        init(_ name: String, _ scene: Scene, _ lines: [String]) {
            (self.name, self.scene, self.lines) = (name, scene, lines)
        }

        var testDescription: String { name }
    }

    private static func found(
        _ instances: [String], by selection: InstanceSelection = team, hosts: [String] = [],
        pools: Set<String> = [], removed: [Int] = [], known: [String] = [], absent: [Int] = []
    ) -> Scene {
        Scene(
            hosts: hosts, pools: pools, removed: removed, selections: [(selection, instances)], known: known,
            absent: absent)
    }

    static let newHosts = [
        Case(
            "an instance becomes a host by its name", found(["1 running 10.0.0.1 Name=c1"]),
            ["added c1 1: running, address 10.0.0.1"]),
        Case(
            "in whatever state it is", found(["1 stopped 10.0.0.1 Name=c1", "2 pending 10.0.0.2 Name=c2"]),
            ["added c1 1: stopped, address 10.0.0.1", "added c2 2: pending, address 10.0.0.2"]),
        Case(
            "a name is made one of a host", found(["1 running 10.0.0.1 Name=GPU_Box.Lab"]),
            ["added gpu-box.lab 1: running, address 10.0.0.1"]),
        Case(
            "without a name its id is the name", found(["1 running 10.0.0.1", "2 running 10.0.0.2 Name="]),
            [
                "added i-00000001 1: running, address 10.0.0.1",
                "added i-00000002 2: running, address 10.0.0.2",
            ]),
        Case(
            "so it is where that is wanted",
            found(["1 running 10.0.0.1 Name=c1", "2 running 10.0.0.2 Name=c1"], by: byID),
            [
                "added i-00000001 1: running, address 10.0.0.1",
                "added i-00000002 2: running, address 10.0.0.2",
            ]),
        Case(
            "another name is refused",
            found(["1 running 10.0.0.1 Name=büro", "2 running 10.0.0.2 Name=gate"]),
            [
                "left alone 1: its name cannot be a host's: 'büro' is not a name for a host or pool",
                "left alone 2: its name cannot be a host's: 'gate' is the gateway itself",
            ]),
        Case(
            "two with one name are both left alone",
            found(["1 running 10.0.0.1 Name=c1", "2 running 10.0.0.2 Name=C1"]),
            [
                "left alone 1: it has the name 'c1', as i-00000002 has; give one of them another tag Name",
                "left alone 2: it has the name 'c1', as i-00000001 has; give one of them another tag Name",
            ]),
        Case(
            "but one that is gone does not count",
            found(["1 terminated - Name=c1", "2 running 10.0.0.2 Name=c1"]),
            ["added c1 2: running, address 10.0.0.2", "left alone 1: it is terminated"]),
        Case(
            "what is gone or has no address is no host",
            found(["1 shutting-down 10.0.0.1 Name=c1", "2 pending - Name=c2"]),
            ["left alone 1: it is shutting-down", "left alone 2: it has no private address"]),
        Case(
            "a pool's name is taken", found(["1 running 10.0.0.1 Name=gpus"], pools: ["gpus"]),
            ["left alone 1: its name 'gpus' is that of a pool"]),
        Case(
            "a host that is no instance is not taken over",
            found(["1 running 10.0.0.1 Name=c1"], hosts: ["c1 - 10.0.0.1"]),
            [
                "left alone 1: the host c1 is no instance yet; 'host set c1 --instance i-00000001' says it is this one"
            ]),
        Case(
            "what was removed by hand does not come back",
            found(["1 running 10.0.0.1 Name=c1"], removed: [1]),
            ["left alone 1: its host old1 was removed; 'host import --instance i-00000001' takes it back"]),
        Case(
            "an id that was asked for and does not exist is said so",
            found([], by: InstanceSelection(instances: [Scene.id("5")]), absent: [5]),
            ["left alone 5: there is no such instance"]),
        Case("nothing found, nothing done", found([]), []),
    ]

    static let presentHosts = [
        Case(
            "the same again changes nothing",
            found(["1 running 10.0.0.1 Name=c1"], hosts: ["c1 1 running 10.0.0.1"]),
            ["unchanged c1 1: running"]),
        Case(
            "a state changes", found(["1 stopped 10.0.0.1 Name=c1"], hosts: ["c1 1 running 10.0.0.1"]),
            ["changed c1 1: running, now stopped"]),
        Case(
            "a word that is not known is a state too",
            found(["1 hibernating 10.0.0.1 Name=c1"], hosts: ["c1 1 running 10.0.0.1"]),
            ["changed c1 1: running, now unknown"]),
        Case(
            "an address changes, state too",
            found(["1 running 10.0.0.9 Name=c1"], hosts: ["c1 1 stopped 10.0.0.1"]),
            ["changed c1 1: stopped, now running; address 10.0.0.1, now 10.0.0.9"]),
        Case(
            "but not one that somebody chose",
            found(
                ["1 running 10.0.0.9 Name=c1"], hosts: ["c1 1 running c1.example.org from=10.0.0.1"]),
            ["unchanged c1 1: running"]),
        Case(
            "what terminates keeps its address",
            found(["1 terminated - Name=c1"], hosts: ["c1 1 running 10.0.0.1"]),
            ["changed c1 1: running, now terminated"]),
        Case(
            "another name is no other host",
            found(["1 running 10.0.0.1 Name=renamed"], hosts: ["c1 1 running 10.0.0.1"]),
            ["unchanged c1 1: running"]),
        Case(
            "a host that no selection finds any more is asked for by its id",
            found([], hosts: ["c1 1 running 10.0.0.1"], known: ["1 stopping 10.0.0.1"]),
            ["changed c1 1: running, now stopping"]),
        Case(
            "what the cloud does not mention stays as it is", found([], hosts: ["c1 1 running 10.0.0.1"]), []),
        Case(
            "unless it says that there is no such instance",
            found([], hosts: ["c1 1 running 10.0.0.1"], absent: [1]),
            ["changed c1 1: running, now terminated: there is no such instance any more"]),
        Case(
            "which is no news about what was terminated",
            found([], hosts: ["c1 1 terminated 10.0.0.1"], absent: [1]), []),
        Case(
            "hosts without an instance are nobody's business", found([], hosts: ["c1 - 10.0.0.1"]), []),
    ]

    static let replacedHosts = [
        Case(
            "a new instance takes the place of one that is gone",
            found(
                ["1 terminated - Name=c1", "2 running 10.0.0.2 Name=c1"], hosts: ["c1 1 running 10.0.0.1"]),
            ["replaced c1 2: running, address 10.0.0.2; was i-00000001, which is gone"]),
        Case(
            "also of one that was gone before, or does not exist any more",
            Scene(
                hosts: ["c1 1 terminated 10.0.0.1", "c2 2 running 10.0.0.2"],
                selections: [(team, ["3 running 10.0.0.3 Name=c1", "4 pending 10.0.0.4 Name=c2"])],
                absent: [2]),
            [
                "replaced c1 3: running, address 10.0.0.3; was i-00000001, which is gone",
                "replaced c2 4: pending, address 10.0.0.4; was i-00000002, which is gone",
            ]),
        Case(
            "not of one that lives or is stopped",
            found(
                ["2 running 10.0.0.2 Name=c1", "4 running 10.0.0.4 Name=c2"],
                hosts: ["c1 1 running 10.0.0.1", "c2 3 stopped 10.0.0.3"]),
            [
                "left alone 2: the host c1 is i-00000001, which is running",
                "left alone 4: the host c2 is i-00000003, which is stopped",
            ]),
        Case(
            "two of them are too many",
            found(
                ["1 terminated - Name=c1", "2 running 10.0.0.2 Name=c1", "3 running 10.0.0.3 Name=c1"],
                hosts: ["c1 1 running 10.0.0.1"]),
            [
                "changed c1 1: running, now terminated",
                "left alone 2: it has the name 'c1', as i-00000003 has; give one of them another tag Name",
                "left alone 3: it has the name 'c1', as i-00000002 has; give one of them another tag Name",
            ]),
        Case(
            "the pool of the tag goes along, or changes",
            found(
                ["3 running 10.0.0.3 Name=c1 Pool=a", "4 running 10.0.0.4 Name=c2 Pool=b"], by: pools,
                hosts: ["c1 1 terminated 10.0.0.1 pool=a", "c2 2 terminated 10.0.0.2 pool=a"],
                pools: ["a"]),
            [
                "replaced c1 3: running, address 10.0.0.3; was i-00000001, which is gone",
                "replaced c2 4: running, address 10.0.0.4; was i-00000002, which is gone; leaves pool a; joins new pool b",
            ]),
    ]

    static let pooledHosts = [
        Case(
            "the tag's value is the pool that a new host joins",
            found(
                ["1 running 10.0.0.1 Name=c1 Pool=GPUs", "2 running 10.0.0.2 Name=c2 Pool=big_boxes"],
                by: pools, pools: ["gpus"]),
            [
                "added c1 1: running, address 10.0.0.1; joins pool gpus",
                "added c2 2: running, address 10.0.0.2; joins new pool big-boxes",
            ]),
        Case(
            "a value that names no pool puts it into none",
            found(
                ["1 running 10.0.0.1 Name=c1 Pool=c9", "2 running 10.0.0.2 Name=c2 Pool=c1"], by: pools,
                hosts: ["c9 - 10.0.0.9"]),
            [
                "added c1 1: running, address 10.0.0.1; in no pool: 'c9' is a host",
                "added c2 2: running, address 10.0.0.2; in no pool: 'c1' is a host",
            ]),
        Case(
            "another value moves the host; the same leaves it where people have put it",
            found(
                ["1 running 10.0.0.1 Name=c1 Pool=b", "2 running 10.0.0.2 Name=c2 Pool=a"], by: pools,
                hosts: ["c1 1 running 10.0.0.1 pool=a", "c2 2 running 10.0.0.2 pool=a"], pools: ["a", "b"]),
            ["changed c1 1: leaves pool a; joins pool b", "unchanged c2 2: running"]),
        Case(
            "a host that has lost the tag leaves the pool that it had by it",
            found(
                [], by: pools, hosts: ["c1 1 running 10.0.0.1 pool=a", "c2 2 running 10.0.0.2"], pools: ["a"],
                known: ["1 running 10.0.0.1", "2 running 10.0.0.2"]),
            ["changed c1 1: leaves pool a", "unchanged c2 2: running"]),
        Case(
            "but not when nobody asked for pools, nor when it is gone",
            Scene(
                hosts: ["c1 1 running 10.0.0.1 pool=a"], pools: ["a"],
                selections: [(team, ["1 running 10.0.0.1"])]),
            ["unchanged c1 1: running"]),
        Case(
            "what is gone stays where it was",
            found(
                [], by: pools, hosts: ["c1 1 running 10.0.0.1 pool=a"], pools: ["a"],
                known: ["1 terminated -"]),
            ["changed c1 1: running, now terminated"]),
        Case(
            "of several selections the one with a pool counts",
            Scene(
                pools: ["a"],
                selections: [
                    (team, ["1 running 10.0.0.1 Name=c1 Pool=a"]),
                    (pools, ["1 running 10.0.0.1 Name=c1 Pool=a"]),
                ]),
            ["added c1 1: running, address 10.0.0.1; joins pool a"]),
    ]

    @Test("new hosts", arguments: newHosts)
    func new(_ example: Case) { #expect(example.scene.lines == example.lines) }

    @Test("hosts that are there", arguments: presentHosts)
    func present(_ example: Case) { #expect(example.scene.lines == example.lines) }

    @Test("replaced instances", arguments: replacedHosts)
    func replaced(_ example: Case) { #expect(example.scene.lines == example.lines) }

    @Test("pools", arguments: pooledHosts)
    func pooled(_ example: Case) { #expect(example.scene.lines == example.lines) }

    @Test("a replaced host gets address and instance of the new one, and loses the old one's keys")
    func replacement() throws {
        let scene = Self.found(["2 running 10.0.0.2 Name=c1"], hosts: ["c1 1 terminated 10.0.0.1"])
        let plan = InventoryRule.plan(for: scene.answer, in: scene.view, at: Scene.time)
        let update = try #require(plan.updates.first)
        #expect(plan.updates.count == 1)
        #expect(update.dropsKeys && !update.isNew)
        #expect(update.address == "10.0.0.2")
        #expect(update.instance.id == Scene.id("2") && update.instance.lastSeen == Scene.time)
        #expect(plan.entries[0].before?.id == Scene.id("1"))
        #expect(plan.summary == "1 replaced")
    }

    @Test("an entry says whether a selection is about it")
    func selected() {
        let scene = Self.found(
            ["1 running 10.0.0.1 Name=c1"], by: Self.team,
            hosts: ["c1 1 running 10.0.0.1", "c2 2 running 10.0.0.2"], known: ["2 running 10.0.0.2"])
        let plan = InventoryRule.plan(for: scene.answer, in: scene.view, at: Scene.time)
        #expect(plan.entries.map(\.isSelected) == [true, false])
    }

    @Test("what was seen is noted also where nothing changed")
    func seen() throws {
        var scene = Self.found([], hosts: ["c1 1 running 10.0.0.1"], known: ["1 running 10.0.0.1"])
        var answer = scene.answer
        answer.known[0].platform = "Debian GNU/Linux 12"
        answer.known[0].isAgentOnline = false
        let plan = InventoryRule.plan(for: answer, in: scene.view, at: Scene.time)
        #expect(plan.entries[0].outcome == .unchanged)
        let instance = try #require(plan.updates.first?.instance)
        #expect(instance.lastSeen == Scene.time && instance.platform == "Debian GNU/Linux 12")
        #expect(instance.isAgentOnline == false)
        // Not mentioned, not seen.
        scene.known = []
        #expect(InventoryRule.plan(for: scene.answer, in: scene.view, at: Scene.time).updates.isEmpty)
    }

    @Test("a thousand instances do not take long, and the order of an answer does not matter")
    func many() {
        let instances = (1...1_000).map {
            "\($0) running 10.0.\($0 / 256).\($0 % 256) Name=c\($0) Pool=p\($0 % 7)"
        }
        let scene = Self.found(instances, by: Self.pools)
        let lines = scene.lines
        #expect(lines.count == 1_000)
        #expect(Self.found(instances.reversed(), by: Self.pools).lines == lines)
    }
}
