package import AWS
package import Directory
package import Inventory
import Support

/// The calls that an inventory makes. Each blocks, and throws `AWSError`.
package protocol InstanceCalls: Sendable {
    /// The region of all calls.
    func region() throws(AWSError) -> String

    /// As `EC2Client.describeInstances`.
    func instances(ids: [String], filters: [EC2Filter]) throws(AWSError) -> [EC2Instance]

    /// What Systems Manager knows about instances.
    func agents(of ids: [String]) throws(AWSError) -> [ManagedInstance]
}

extension Cloud: InstanceCalls {
    /// As `EC2Client.describeInstances`.
    package func instances(ids: [String], filters: [EC2Filter]) throws(AWSError) -> [EC2Instance] {
        try computers().describeInstances(instanceIDs: ids, filters: filters)
    }

    /// What Systems Manager knows about instances.
    package func agents(of ids: [String]) throws(AWSError) -> [ManagedInstance] {
        try systemsManager().describeInstanceInformation(filters: [SSMFilter("InstanceIds", ids)])
    }
}

/// Reads inventories from EC2 and Systems Manager.
package struct CloudInventory: InstanceReader {
    /// Values that one filter of EC2 takes.
    private static let idLimit = 200
    /// Instances about which Systems Manager tells at a time.
    private static let agentLimit = 50

    private let calls: any InstanceCalls

    package init(_ calls: any InstanceCalls) {
        self.calls = calls
    }

    /// The region that is asked.
    package func region() throws(InventoryError) -> String {
        do throws(AWSError) { return try calls.region() } catch { throw InventoryError(error) }
    }

    /// Asks for the instances that are selected, and for those that are hosts.
    package func read(
        _ selections: [InstanceSelection], known: [HostInstance]
    ) throws(InventoryError) -> InventoryAnswer {
        do throws(AWSError) { return try ask(selections, known: known) } catch { throw InventoryError(error) }
    }

    private func ask(
        _ selections: [InstanceSelection], known: [HostInstance]
    ) throws(AWSError) -> InventoryAnswer {
        let region = try calls.region()
        var seen: [String: EC2Instance] = [:]
        var found: [[String]] = []
        for selection in selections {
            let instances = try instances(selected: selection)
            for instance in instances { seen[instance.id] = instance }
            found.append(instances.map(\.id))
        }
        let hosts = known.filter { $0.region == nil || $0.region == region }
        var absent: Set<String> = []
        let others = Set(hosts.map(\.id)).subtracting(seen.keys).sorted()
        for instance in try byID(others) { seen[instance.id] = instance }
        // A list that lacks an instance is no proof: EC2 is asked for it by name.
        let gone = Set(hosts.filter(\.state.isGone).map(\.id))
        let wanted = Set(others).subtracting(gone).union(selections.flatMap(\.instances))
        for id in wanted.subtracting(seen.keys).sorted() {
            if let instance = try confirm(id) { seen[id] = instance } else { absent.insert(id) }
        }
        let agents = try agents(of: seen.values.filter { $0.state == .running }.map(\.id).sorted())
        let observed = seen.mapValues { ObservedInstance($0, in: region, agent: agents[$0.id]) }
        return InventoryAnswer(
            found: zip(selections, found).map { selection, ids in
                .init(selection, ids.compactMap { observed[$0] })
            }, known: others.compactMap { observed[$0] }, absent: absent)
    }

    private func instances(selected selection: InstanceSelection) throws(AWSError) -> [EC2Instance] {
        if !selection.instances.isEmpty {
            let instances = try byID(selection.instances)
            guard let key = selection.poolTag else { return instances }
            return instances.filter { $0.tags[key] != nil }
        }
        var filters: [EC2Filter] = []
        for (key, tags) in Dictionary(grouping: selection.tags, by: \.key).sorted(by: { $0.key < $1.key }) {
            filters.append(EC2Filter("tag:\(key)", tags.map(\.value)))
        }
        if let key = selection.poolTag { filters.append(EC2Filter("tag-key", [key])) }
        return try calls.instances(ids: [], filters: filters)
    }

    /// Those of the instances that there are; EC2 refuses a list with one that does not exist, a filter does not.
    private func byID(_ ids: [String]) throws(AWSError) -> [EC2Instance] {
        var instances: [EC2Instance] = []
        for start in stride(from: 0, to: ids.count, by: Self.idLimit) {
            let part = Array(ids[start..<min(start + Self.idLimit, ids.count)])
            instances += try calls.instances(ids: [], filters: [EC2Filter("instance-id", part)])
        }
        return instances
    }

    /// The instance, asked for by name; nil: there is none, says EC2.
    private func confirm(_ id: String) throws(AWSError) -> EC2Instance? {
        do throws(AWSError) {
            return try calls.instances(ids: [id], filters: []).first { $0.id == id }
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func agents(of ids: [String]) throws(AWSError) -> [String: ManagedInstance] {
        var agents: [String: ManagedInstance] = [:]
        for start in stride(from: 0, to: ids.count, by: Self.agentLimit) {
            let part = Array(ids[start..<min(start + Self.agentLimit, ids.count)])
            for agent in try calls.agents(of: part) { agents[agent.id] = agent }
        }
        return agents
    }
}

extension ObservedInstance {
    fileprivate init(_ instance: EC2Instance, in region: String, agent: ManagedInstance?) {
        let isRunning = instance.state == .running
        self.init(
            id: instance.id, region: region,
            state: InstanceState(rawValue: instance.state.rawValue) ?? .unknown,
            privateAddress: instance.privateAddress ?? instance.ipv6Address, tags: instance.tags,
            platform: agent.flatMap { Self.platform(of: $0) },
            isAgentOnline: isRunning ? agent?.isOnline ?? false : nil)
    }

    /// Such as `Debian GNU/Linux 12`; nil for nothing, or what is too odd to keep: an agent may say what it likes.
    private static func platform(of agent: ManagedInstance) -> String? {
        let words = [agent.platformName ?? agent.platformType, agent.platformVersion].compactMap(\.self)
        let text = words.joined(separator: " ")
        return text.isEmpty || text.utf8.count > 128 || text != text.printable ? nil : text
    }
}

extension InventoryError {
    /// AWS did not tell.
    fileprivate init(_ error: AWSError) {
        let hint: String? =
            switch error.code {
            case .noRegion: "set AWSRegion in gatehouse.conf"
            case .noCredentials, .invalidCredentials, .expiredCredentials, .configuration:
                "see AWSProfile in gatehouse.conf(5) for where credentials come from"
            case .accessDenied: "the gateway needs ec2:DescribeInstances and ssm:DescribeInstanceInformation"
            case .clockSkew: "set this machine's clock"
            default: nil
            }
        self.init("AWS does not tell about instances: \(error)", hint: hint)
    }
}
