import AWS
import Directory
import Fleet
import Inventory
import Support
import Testing

/// EC2 and Systems Manager, as far as an inventory asks them.
private final class PlayedCloud: InstanceCalls {
    struct State {
        var instances: [EC2Instance] = []
        /// Ids that a list does not show though they are there.
        var hidden: Set<String> = []
        var agents: [ManagedInstance] = []
        var failure: AWSError?
        var asked: [String] = []
    }

    let state = Locked(State())

    init(_ instances: [EC2Instance]) {
        state.withLock { $0.instances = instances }
    }

    func region() throws(AWSError) -> String { "eu-central-1" }

    func instances(ids: [String], filters: [EC2Filter]) throws(AWSError) -> [EC2Instance] {
        let (state, asked) = state.withLock { state in
            let words = ids + filters.map { "\($0.name)=\($0.values.joined(separator: "|"))" }
            state.asked.append(words.joined(separator: " "))
            return (state, words)
        }
        if let failure = state.failure, asked.contains(where: { $0.contains("Broken") }) { throw failure }
        if let id = ids.first {
            guard let instance = state.instances.first(where: { $0.id == id }) else {
                throw AWSError(.notFound, "The instance ID '\(id)' does not exist")
            }
            return [instance]
        }
        return state.instances.filter { instance in
            !state.hidden.contains(instance.id)
                && filters.allSatisfy { filter in
                    switch filter.name {
                    case "instance-id": filter.values.contains(instance.id)
                    case "tag-key": filter.values.contains { instance.tags[$0] != nil }
                    default: filter.values.contains(instance.tags[String(filter.name.dropFirst(4))] ?? "")
                    }
                }
        }
    }

    func agents(of ids: [String]) throws(AWSError) -> [ManagedInstance] {
        state.withLock { state in
            state.asked.append("agents=\(ids.joined(separator: "|"))")
            return state.agents.filter { ids.contains($0.id) }
        }
    }
}

@Suite("Inventories of the cloud")
struct CloudInventoryTests {
    private static func instance(
        _ id: String, _ state: EC2Instance.State = .running, tags: [String: String] = [:]
    ) -> EC2Instance {
        EC2Instance(id: id, state: state, privateAddress: "10.0.0.1", tags: tags)
    }

    private static func known(_ id: String, _ state: InstanceState = .running, region: String? = nil)
        -> HostInstance
    {
        HostInstance(id: id, region: region, state: state)
    }

    private func asked(_ cloud: PlayedCloud) -> [String] { cloud.state.withLock { $0.asked } }

    @Test("tags of one key are alternatives, those of several keys must all fit")
    func tags() throws {
        let cloud = PlayedCloud([
            Self.instance("i-1", tags: ["Team": "lab", "Env": "prod"]),
            Self.instance("i-2", tags: ["Team": "ops", "Env": "prod"]),
            Self.instance("i-3", tags: ["Team": "lab"]),
        ])
        let selection = InstanceSelection(
            tags: [
                .init(key: "Team", value: "lab"), .init(key: "Team", value: "ops"),
                .init(key: "Env", value: "prod"),
            ], poolTag: "Team")
        let answer = try CloudInventory(cloud).read([selection], known: [])
        #expect(answer.found[0].instances.map(\.id) == ["i-1", "i-2"])
        #expect(answer.found[0].selection == selection)
        #expect(asked(cloud) == ["tag:Env=prod tag:Team=lab|ops tag-key=Team", "agents=i-1|i-2"])
    }

    @Test("ids may be of instances that do not exist, and a pool's tag must be there")
    func ids() throws {
        let cloud = PlayedCloud([Self.instance("i-1", tags: ["Pool": "a"]), Self.instance("i-2")])
        let inventory = CloudInventory(cloud)
        let some = InstanceSelection(instances: ["i-1", "i-2", "i-3"])
        let answer = try inventory.read([some], known: [])
        #expect(answer.found[0].instances.map(\.id) == ["i-1", "i-2"])
        #expect(answer.absent == ["i-3"])
        let pooled = InstanceSelection(instances: ["i-1", "i-2"], poolTag: "Pool")
        #expect(try inventory.read([pooled], known: []).found[0].instances.map(\.id) == ["i-1"])
    }

    @Test("hosts that no selection finds are asked for, and count as absent only when EC2 says so by name")
    func known() throws {
        let cloud = PlayedCloud([Self.instance("i-1", .stopped), Self.instance("i-2")])
        cloud.state.withLock { $0.hidden = ["i-2"] }
        let hosts = [
            Self.known("i-1"), Self.known("i-2", region: "eu-central-1"), Self.known("i-3"),
            Self.known("i-4", .terminated), Self.known("i-5", region: "us-east-1"),
        ]
        let answer = try CloudInventory(cloud).read([], known: hosts)
        #expect(answer.known.map(\.id) == ["i-1", "i-2"])
        #expect(answer.known.map(\.state) == [.stopped, .running])
        #expect(answer.absent == ["i-3"])
        #expect(asked(cloud) == ["instance-id=i-1|i-2|i-3|i-4", "i-2", "i-3", "agents=i-2"])
    }

    @Test("many are asked for in parts")
    func parts() throws {
        let ids = (100..<550).map { "i-\($0)" }
        let cloud = PlayedCloud(ids.map { Self.instance($0) })
        let answer = try CloudInventory(cloud).read([], known: ids.map { Self.known($0) })
        #expect(answer.known.count == 450 && answer.absent.isEmpty)
        #expect(asked(cloud).count { $0.hasPrefix("instance-id=") } == 3)
        #expect(asked(cloud).count { $0.hasPrefix("agents=") } == 9)
    }

    @Test("what the agents say is taken in, as far as it can be shown")
    func agents() throws {
        let cloud = PlayedCloud(["i-1", "i-2", "i-3", "i-4"].map { Self.instance($0) })
        cloud.state.withLock { state in
            state.agents = [
                ManagedInstance(
                    id: "i-1", pingStatus: "Online", platformName: "Debian GNU/Linux", platformVersion: "12"),
                ManagedInstance(id: "i-2", pingStatus: "ConnectionLost", platformType: "Linux"),
                ManagedInstance(id: "i-3", pingStatus: "Online", platformName: "\u{1B}[2J"),
            ]
        }
        let answer = try CloudInventory(cloud).read(
            [], known: ["i-1", "i-2", "i-3", "i-4"].map { Self.known($0) })
        #expect(answer.known.map(\.platform) == ["Debian GNU/Linux 12", "Linux", nil, nil])
        #expect(answer.known.map(\.isAgentOnline) == [true, false, true, false])
    }

    @Test("one question without an answer is no inventory")
    func failure() throws {
        let cloud = PlayedCloud([Self.instance("i-1", tags: ["Team": "lab"])])
        cloud.state.withLock { $0.failure = AWSError(.throttled, "slow down") }
        let selections = ["lab", "Broken"].map { InstanceSelection(tags: [.init(key: "Team", value: $0)]) }
        #expect { try CloudInventory(cloud).read(selections, known: []) } throws: {
            ($0 as? InventoryError)?.detail == "AWS does not tell about instances: slow down"
        }
    }
}
