package import Directory
package import Support

/// What an answer of the cloud makes of the directory. Pure: the same answer, directory and time give the same plan.
///
/// - An instance that is a host already brings that host up to date, whatever its name is now.
/// - Another one is a new host, if its name is free, or if the host of that name is an instance that is gone for good.
/// - What the cloud does not mention stays as it is, unless the cloud says that it does not exist.
package struct InventoryRule {
    private let facts: InventoryFacts
    private let time: Timestamp
    /// Instances that are no hosts yet and could be, by the name that each would have.
    private let candidates: [String: [ObservedInstance]]
    /// The hosts whose instance is gone and whose name one other instance has, by the id of that.
    private let replaced: [String: Host]

    /// Holds an answer against the directory.
    package static func plan(
        for answer: InventoryAnswer, in view: InventoryView, at time: Timestamp
    ) -> InventoryPlan {
        InventoryRule(InventoryFacts(answer, view), time).plan()
    }

    private init(_ facts: InventoryFacts, _ time: Timestamp) {
        self.facts = facts
        self.time = time
        var candidates: [String: [ObservedInstance]] = [:]
        for (instance, selection) in facts.selected.values where facts.obstacle(to: instance) == nil {
            if case .success(let name) = facts.name(of: instance, selection) {
                candidates[name, default: []].append(instance)
            }
        }
        var replaced: [String: Host] = [:]
        for (name, instances) in candidates where instances.count == 1 {
            guard let host = facts.hosts[name], let old = host.instance, facts.isGone(old) else { continue }
            replaced[instances[0].id] = host
        }
        self.candidates = candidates
        self.replaced = replaced
    }

    private func plan() -> InventoryPlan {
        let named = facts.answer.found.flatMap(\.selection.instances)
        let selected = Set(facts.selected.keys).union(named)
        var entries = knownEntries() + newEntries()
        for index in entries.indices {
            entries[index].isSelected = selected.contains(entries[index].instance)
        }
        entries.sort {
            ($0.host == nil ? 1 : 0, $0.host ?? "", $0.instance)
                < ($1.host == nil ? 1 : 0, $1.host ?? "", $1.instance)
        }
        return InventoryPlan(entries: entries)
    }

    // MARK: Hosts that are instances

    private func knownEntries() -> [InventoryPlan.Entry] {
        let replacedHosts = Set(replaced.values.map(\.name))
        return facts.view.hosts.compactMap { host in
            guard let instance = host.instance, !replacedHosts.contains(host.name) else { return nil }
            if let seen = facts.observed[instance.id] { return entry(for: host, instance, seen) }
            guard facts.answer.absent.contains(instance.id), !instance.state.isGone else { return nil }
            var after = instance
            (after.state, after.isAgentOnline) = (.terminated, nil)
            return InventoryPlan.Entry(
                instance: instance.id, host: host.name, outcome: .changed,
                notes: ["\(instance.state.rawValue), now terminated: there is no such instance any more"],
                update: HostUpdate(host: host.name, instance: after), before: instance)
        }
    }

    private func entry(
        for host: Host, _ before: HostInstance, _ seen: ObservedInstance
    ) -> InventoryPlan.Entry {
        var update = HostUpdate(host: host.name, instance: before)
        update.instance.region = seen.region
        update.instance.state = seen.state
        update.instance.lastSeen = time
        update.instance.platform = seen.platform ?? before.platform
        update.instance.isAgentOnline = seen.isAgentOnline
        var notes: [String] = []
        if seen.state != before.state {
            notes.append("\(before.state.rawValue), now \(seen.state.rawValue)")
        }
        if let address = seen.privateAddress {
            // Another one than the cloud told was chosen by somebody.
            if host.address == before.address, address != host.address {
                update.address = address
                notes.append("address \(host.address), now \(address)")
            }
            update.instance.address = address
        }
        let pools = move(&update, from: before.taggedPool, seen)
        notes += pools.moves
        let outcome: InventoryPlan.Outcome = notes.isEmpty ? .unchanged : .changed
        return InventoryPlan.Entry(
            instance: seen.id, host: host.name, outcome: outcome,
            notes: (notes.isEmpty ? [seen.state.rawValue] : notes) + pools.remarks, update: update,
            before: before)
    }

    // MARK: Pools

    /// Puts the host into the pool that its tag names, and out of the one that the tag named before.
    private func move(
        _ update: inout HostUpdate, from before: String?, _ seen: ObservedInstance
    ) -> (moves: [String], remarks: [String]) {
        // What is gone loses its tags at some time, and stays what it was.
        if seen.state.isGone { return ([], []) }
        var wanted: String?
        var remarks: [String] = []
        if let key = facts.selected[seen.id]?.selection.poolTag {
            switch pool(named: seen.tags[key] ?? "") {
            case .success(let pool): wanted = pool
            case .failure(let problem): remarks.append("in no pool: \(problem.why)")
            }
        } else if facts.poolTags.isEmpty || facts.poolTags.contains(where: { seen.tags[$0] != nil }) {
            // Nobody asked for pools, or it has the tag and was not asked for.
            return ([], [])
        }
        guard wanted != before else { return ([], remarks) }
        var moves: [String] = []
        if let before {
            update.leaves = before
            moves.append("leaves pool \(before)")
        }
        if let wanted {
            update.joins = wanted
            moves.append("joins \(facts.view.pools.contains(wanted) ? "pool" : "new pool") \(wanted)")
        }
        update.instance.taggedPool = wanted
        return (moves, remarks)
    }

    private func pool(named tag: String) -> Result<String, TargetName.NoName> {
        TargetName.make(from: tag).flatMap { pool in
            guard facts.hosts[pool] == nil, candidates[pool] == nil else {
                return .failure(.init(why: "'\(pool)' is a host"))
            }
            return .success(pool)
        }
    }

    // MARK: Others

    private func newEntries() -> [InventoryPlan.Entry] {
        let named = Set(facts.answer.found.flatMap(\.selection.instances))
        let missing = named.intersection(facts.answer.absent).filter { facts.hostOfInstance[$0] == nil }
        let nothing = missing.map { id in
            InventoryPlan.Entry(instance: id, outcome: .left, notes: ["there is no such instance"])
        }
        return nothing
            + facts.selected.values.compactMap { instance, selection in
                if facts.hostOfInstance[instance.id] != nil { return nil }
                func left(_ why: String) -> InventoryPlan.Entry {
                    InventoryPlan.Entry(instance: instance.id, outcome: .left, notes: [why])
                }
                if let obstacle = facts.obstacle(to: instance) { return left(obstacle) }
                switch facts.name(of: instance, selection) {
                case .failure(let problem): return left("its name cannot be a host's: \(problem.why)")
                case .success(let name):
                    if let reason = reasonAgainst(name, for: instance) { return left(reason) }
                    return entry(forNew: name, instance, instead: replaced[instance.id])
                }
            }
    }

    /// Why an instance cannot have a name.
    private func reasonAgainst(_ name: String, for instance: ObservedInstance) -> String? {
        let namesakes = candidates[name, default: []].map(\.id).filter { $0 != instance.id }.sorted()
        if let other = namesakes.first {
            return "it has the name '\(name)', as \(other) has; give one of them another tag Name"
        }
        if facts.view.pools.contains(name) { return "its name '\(name)' is that of a pool" }
        guard let host = facts.hosts[name], replaced[instance.id] == nil else { return nil }
        guard let other = host.instance else {
            return "the host \(name) is no instance yet; "
                + "'host set \(name) --instance \(instance.id)' says it is this one"
        }
        let state = facts.observed[other.id]?.state ?? other.state
        return "the host \(name) is \(other.id), which is \(state.rawValue)"
    }

    private func entry(
        forNew name: String, _ seen: ObservedInstance, instead host: Host?
    ) -> InventoryPlan.Entry {
        let before = host?.instance
        var update = HostUpdate(
            host: name,
            instance: HostInstance(
                id: seen.id, region: seen.region, state: seen.state, lastSeen: time,
                platform: seen.platform, taggedPool: before?.taggedPool,
                isAgentOnline: seen.isAgentOnline, address: seen.privateAddress))
        update.address = seen.privateAddress
        update.isNew = host == nil
        update.dropsKeys = host != nil
        var notes = ["\(seen.state.rawValue), address \(seen.privateAddress ?? "")"]
        if let before { notes.append("was \(before.id), which is gone") }
        let pools = move(&update, from: before?.taggedPool, seen)
        return InventoryPlan.Entry(
            instance: seen.id, host: name, outcome: host == nil ? .added : .replaced,
            notes: notes + pools.moves + pools.remarks, update: update, before: before)
    }
}
