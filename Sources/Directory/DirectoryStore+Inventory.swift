package import Support

extension DirectoryStore {
    /// What an inventory is held against.
    package func inventoryView() throws -> InventoryView {
        try read { tables in
            InventoryView(
                generation: try tables.counter("generation"), hosts: try tables.hosts(),
                pools: Set(try tables.pools().map(\.name)), removed: try tables.removedInstances(),
                sources: try tables.sources())
        }
    }

    /// Takes in what the cloud told, all or nothing.
    ///
    /// It counts as a change of the directory unless all that is new is when the hosts were seen and how their agents are.
    /// - Parameter generation: the directory's when the updates were decided on.
    /// - Returns: false when the directory has changed since; then nothing is taken in.
    /// - Throws: `DirectoryError` of the rule that an update breaks.
    package func take(
        _ updates: [HostUpdate], after generation: Int64, at time: Timestamp = .now
    ) throws -> Bool {
        try write { tables in
            guard try tables.counter("generation") == generation else { return false }
            var isChange = false
            for update in updates where try tables.take(update, at: time) { isChange = true }
            if isChange { try tables.setCounter("generation", generation + 1) }
            return true
        }
    }

    /// Takes in the host keys that an instance really has, asked over a way that proves which instance it is.
    ///
    /// - Parameter instance: its id, so that keys of an instance that was replaced meanwhile are nobody's.
    /// - Throws: `DirectoryError` `.invalidKey`.
    package func takeHostKeys(
        _ keys: [KeyMaterial], of name: String, instance: String
    ) throws -> HostKeyFinding {
        try write { try $0.takeHostKeys(keys, of: name, instance: instance) }
    }

    // MARK: Sources

    /// What was imported, by id.
    package func inventorySources() throws -> [InventorySource] {
        try read { try $0.sources() }
    }

    /// Remembers a selection; one that is there already is that one.
    ///
    /// Instances that it names are imported again, also where their hosts were removed by hand.
    /// - Throws: `DirectoryError` `.invalidField`, `.invalidInstance`.
    @discardableResult
    package func addSource(
        _ selection: InstanceSelection, region: String, at time: Timestamp = .now
    ) throws -> InventorySource {
        try change { try $0.addSource(selection, region: region, at: time) }
    }

    /// Forgets a selection; the hosts stay.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func removeSource(_ id: Int64) throws {
        try change { try $0.removeSource(id) }
    }

    /// Checks what somebody wants to import.
    ///
    /// - Throws: `DirectoryError` `.invalidField`, `.invalidInstance`.
    package static func check(_ selection: InstanceSelection) throws(DirectoryError) {
        try Rules.checkSelection(selection)
    }

    /// Why a text cannot be the name of a host or pool; nil: it can.
    package static func problem(withTarget name: String) -> String? {
        do {
            try Rules.checkTarget(name)
            return nil
        } catch {
            return error.detail
        }
    }
}
