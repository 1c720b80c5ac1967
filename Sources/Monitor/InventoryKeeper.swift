import Accounts
import Audit
import Commands
import Directory
import Inventory
import Support

/// Keeps the hosts that are instances as the cloud says they are. Any thread may call it; one inventory is made at a time.
final class InventoryKeeper: Sendable {
    /// Plans made on a directory that others change meanwhile.
    private static let attemptLimit = 5

    let directory: DirectoryStore
    let events: EventLog
    let log: @Sendable () -> Log
    /// Runs commands on hosts with the settings in force.
    let executor: @Sendable () -> any HostExecutor
    /// Forgets what a host reported.
    private let forget: @Sendable (_ host: String) throws -> Void
    private let reader: any InstanceReader
    private let turns = HostTurns()
    private let state = Locked(InventoryCondition())
    /// When hosts were last asked for their keys because a session met others.
    let doubts = Locked<[String: MonotonicTime]>([:])

    init(
        directory: DirectoryStore, events: EventLog, reader: any InstanceReader,
        executor: @escaping @Sendable () -> any HostExecutor, log: @escaping @Sendable () -> Log,
        forget: @escaping @Sendable (_ host: String) throws -> Void
    ) {
        self.directory = directory
        self.events = events
        self.reader = reader
        self.executor = executor
        self.log = log
        self.forget = forget
    }

    var condition: InventoryCondition { state.withLock { $0 } }

    /// Whether there is anything to ask the cloud.
    func isNeeded() throws -> Bool {
        let view = try directory.inventoryView()
        return !view.sources.isEmpty || view.hosts.contains { $0.instance != nil }
    }

    /// One inventory at a time: what one has decided on is not to change while it is done.
    private func inTurn<Result>(_ body: () throws -> Result) rethrows -> Result {
        try turns.run(at: "", body)
    }

    /// Asks, decides, takes in, and has keys pinned that are missing.
    ///
    /// - Parameter wanted: instances that become hosts also where somebody removed their hosts.
    private func run(
        _ selections: [InstanceSelection], wanted: [String] = [], isRehearsal: Bool, by caller: String
    ) throws -> InventoryOutcome {
        let known = try directory.hosts().compactMap(\.instance)
        let plan = try takeIn(selections, known, wanted: wanted, isRehearsal: isRehearsal, by: caller)
        return InventoryOutcome(plan: plan, keys: isRehearsal ? [] : try settleKeys(after: plan))
    }

    /// Asks and decides about some hosts, and takes that in unless it is a rehearsal.
    private func takeIn(
        _ selections: [InstanceSelection], _ known: [HostInstance], wanted: [String] = [],
        isRehearsal: Bool, by caller: String
    ) throws -> InventoryPlan {
        let answer = try ask { () throws(InventoryError) in try reader.read(selections, known: known) }
        let time = Timestamp.now
        for _ in 1...Self.attemptLimit {
            var view = try directory.inventoryView()
            for instance in wanted { view.removed[instance] = nil }
            let plan = InventoryRule.plan(for: answer, in: view, at: time)
            if isRehearsal { return plan }
            guard try directory.take(plan.updates, after: view.generation, at: time) else { continue }
            for entry in plan.entries { try note(entry, by: caller, at: time) }
            return plan
        }
        throw CommandError(.unavailable, "the directory changes all the time", hint: "try again")
    }

    /// Brings one host up to date with the cloud; its keys are asked for on a thread of their own.
    ///
    /// - Throws: as `refresh`.
    func renew(_ instance: HostInstance, by caller: String) throws {
        let plan = try inTurn { try takeIn([], [instance], isRehearsal: false, by: caller) }
        try Thread.start("keys") { _ = try? self.settleKeys(after: plan) }
    }

    /// Puts what happened to a host into the event log.
    private func note(_ entry: InventoryPlan.Entry, by caller: String, at time: Timestamp) throws {
        guard let event = Event(entry, by: caller, at: time) else { return }
        if entry.outcome == .replaced, let host = entry.host { try forget(host) }
        try events.append(event)
        log().notice(
            "inventory", ["host.name": entry.host ?? "", "what": entry.notes.joined(separator: "; ")])
    }

    /// The region that is asked; knowing it is no answer of the cloud yet.
    private func region() throws -> String {
        do throws(InventoryError) {
            return try reader.region()
        } catch {
            try noteSilence(error)
            throw error
        }
    }

    /// Asks the cloud; when that begins or ceases to fail, the event log has it.
    private func ask<Answer>(_ question: () throws(InventoryError) -> Answer) throws -> Answer {
        let answer: Answer
        do throws(InventoryError) {
            answer = try question()
        } catch {
            try noteSilence(error)
            throw error
        }
        let hadProblem = state.withLock { state in
            defer { state = InventoryCondition(answered: .now) }
            return state.problem != nil
        }
        if hadProblem { try events.append(Event(.inventory, detail: ["what": "answers again"])) }
        return answer
    }

    private func noteSilence(_ error: InventoryError) throws {
        let isNews = state.withLock { state in
            defer { (state.since, state.problem) = (state.since ?? .now, error.detail) }
            return state.problem == nil
        }
        guard isNews else { return }
        try events.append(Event(.inventory, detail: ["what": "does not answer", "reason": error.detail]))
        log().warning("the cloud does not answer", ["error": error.detail])
    }
}

extension InventoryKeeper: InventoryService {
    func importHosts(
        _ selection: InstanceSelection, isRehearsal: Bool, by caller: String
    ) throws -> InventoryOutcome {
        try DirectoryStore.check(selection)
        return try inTurn {
            let region = try region()
            let outcome = try run(
                [selection], wanted: selection.instances, isRehearsal: isRehearsal, by: caller)
            if !isRehearsal { try directory.addSource(selection, region: region) }
            return outcome.about(\.isSelected)
        }
    }

    func refresh(isRehearsal: Bool, by caller: String) throws -> InventoryOutcome {
        try inTurn {
            let region = try region()
            let sources = try directory.inventorySources().filter { $0.region == region }
            return try run(sources.map(\.selection), isRehearsal: isRehearsal, by: caller)
        }
    }

    func lookUp(_ instance: String) throws -> ObservedInstance? {
        let selection = InstanceSelection(instances: [instance])
        try DirectoryStore.check(selection)
        let answer = try ask { () throws(InventoryError) in try reader.read([selection], known: []) }
        return answer.found.first?.instances.first
    }
}

extension InventoryOutcome {
    /// Only what is about some of the instances.
    fileprivate func about(_ isWanted: (InventoryPlan.Entry) -> Bool) -> InventoryOutcome {
        let entries = plan.entries.filter(isWanted)
        let hosts = Set(entries.compactMap(\.host))
        return InventoryOutcome(
            plan: InventoryPlan(entries: entries), keys: keys.filter { hosts.contains($0.host) })
    }
}

extension Event {
    /// What an inventory did to a host; nil: nothing to tell.
    fileprivate init?(_ entry: InventoryPlan.Entry, by caller: String, at time: Timestamp) {
        guard let update = entry.update else { return nil }
        let instance = update.instance
        let kind: EventKind
        switch entry.outcome {
        case .added: kind = .directoryChanged
        case .replaced: kind = .hostReplaced
        case .changed: kind = instance.state == entry.before?.state ? .directoryChanged : .hostState
        case .unchanged, .left: return nil
        }
        var detail = [
            "action": "inventory", "by": caller, "instance": instance.id, "state": instance.state.rawValue,
            "what": entry.notes.joined(separator: "; "),
        ]
        detail["address"] = update.address
        if kind == .hostReplaced { detail["before"] = entry.before?.id }
        self.init(kind, at: time, host: update.host, detail: detail)
    }
}
