package import Directory
package import Inventory
package import Support

/// Asks the cloud about instances, and takes in what it tells. Every call blocks.
package protocol InventoryService: Sendable {
    /// Makes hosts of the instances that are selected, and remembers the selection.
    ///
    /// - Parameters:
    ///   - isRehearsal: only says what would happen.
    ///   - caller: for the event log.
    /// - Throws: `DirectoryError`; `InventoryError` when the cloud does not tell, and nothing is changed then.
    func importHosts(
        _ selection: InstanceSelection, isRehearsal: Bool, by caller: String
    ) throws -> InventoryOutcome

    /// Does again all that is remembered, and brings the hosts that are instances up to date.
    ///
    /// - Throws: as `importHosts`.
    func refresh(isRehearsal: Bool, by caller: String) throws -> InventoryOutcome

    /// What the cloud tells about one instance; nil: there is no such instance.
    ///
    /// - Throws: as `importHosts`.
    func lookUp(_ instance: String) throws -> ObservedInstance?

    /// The host keys that a host really has, asked over the way on which its accounts are made.
    ///
    /// - Throws: `CommandError` when that way proves nothing or the host cannot be asked.
    func hostKeys(of host: Host) throws -> [KeyMaterial]

    /// How the last inventory went.
    var condition: InventoryCondition { get }
}

/// What came of an inventory.
package struct InventoryOutcome: Sendable {
    package var plan: InventoryPlan
    /// What became of asking hosts for their keys, by host.
    package var keys: [(host: String, finding: Result<HostKeyFinding, any Error>)]

    package init(
        plan: InventoryPlan, keys: [(host: String, finding: Result<HostKeyFinding, any Error>)] = []
    ) {
        self.plan = plan
        self.keys = keys
    }
}

/// How it stands with inventories.
package struct InventoryCondition: Equatable, Sendable {
    /// When the cloud last answered; nil: not since the daemon was started.
    package var answered: Timestamp?
    /// Why it does not answer now, and since when; nil: it does, or was not asked.
    package var problem: String?
    package var since: Timestamp?

    package init(answered: Timestamp? = nil, problem: String? = nil, since: Timestamp? = nil) {
        self.answered = answered
        self.problem = problem
        self.since = since
    }
}
