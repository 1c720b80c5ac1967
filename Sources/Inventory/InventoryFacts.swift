import Directory

/// An answer of the cloud and the directory, side by side.
struct InventoryFacts {
    let view: InventoryView
    let answer: InventoryAnswer
    let hosts: [String: Host]
    let hostOfInstance: [String: Host]
    /// What the selections found, each once, by id.
    let selected: [String: (instance: ObservedInstance, selection: InstanceSelection)]
    /// All that the cloud told about, by id.
    let observed: [String: ObservedInstance]
    /// Keys of the tags that name pools.
    let poolTags: Set<String>

    init(_ answer: InventoryAnswer, _ view: InventoryView) {
        self.view = view
        self.answer = answer
        hosts = Dictionary(view.hosts.map { ($0.name, $0) }) { first, _ in first }
        hostOfInstance = Dictionary(
            view.hosts.compactMap { host in host.instance.map { ($0.id, host) } }
        ) { first, _ in first }
        var selected: [String: (instance: ObservedInstance, selection: InstanceSelection)] = [:]
        for found in answer.found {
            for instance in found.instances {
                // Of several selections the first that puts it into a pool counts, else the first.
                let other = selected[instance.id]?.selection
                if other == nil || (other?.poolTag == nil && found.selection.poolTag != nil) {
                    selected[instance.id] = (instance, found.selection)
                }
            }
        }
        self.selected = selected
        observed = Dictionary(answer.known.map { ($0.id, $0) }) { first, _ in first }
            .merging(selected.mapValues(\.instance)) { $1 }
        poolTags = Set(answer.found.compactMap(\.selection.poolTag))
    }

    /// The name that an instance would have as a host.
    func name(
        of instance: ObservedInstance, _ selection: InstanceSelection
    ) -> Result<String, TargetName.NoName> {
        guard selection.naming == .tag, let tag = instance.tags["Name"], !tag.isEmpty else {
            return .success(instance.id)
        }
        return TargetName.make(from: tag)
    }

    /// Why an instance can be no new host, whatever its name is.
    func obstacle(to instance: ObservedInstance) -> String? {
        if hostOfInstance[instance.id] != nil { return "it is a host already" }
        if let host = view.removed[instance.id] {
            return "its host \(host) was removed; 'host import --instance \(instance.id)' takes it back"
        }
        if instance.state.isGone { return "it is \(instance.state.rawValue)" }
        if instance.privateAddress == nil { return "it has no private address" }
        return nil
    }

    /// Whether the cloud says, in this answer or at last, that an instance is gone for good.
    func isGone(_ instance: HostInstance) -> Bool {
        answer.absent.contains(instance.id) || (observed[instance.id]?.state ?? instance.state).isGone
    }
}
