import Accounts
import Audit
import Commands
import Configuration
import Directory
import Glibc
import Power
import Support

/// Measures the hosts that have an idle policy, warns, and stops those that nobody uses.
final class IdleWatch: Sendable {
    /// Between two looks at sessions and times.
    private static let tick: UInt32 = 1
    /// The longest time between two measurements; short policies are measured ten times.
    private static let interval = Duration.seconds(180)

    /// One host.
    private struct Entry {
        let instance: String
        let policy: Duration
        var meter: IdleMeter
        var plan: IdlePlan
        /// When it was last asked to be measured.
        var asked: MonotonicTime?
        var isMeasuring = false
        /// Since when it is to be stopped: it is measured once more first.
        var stopWanted: MonotonicTime?

        init(instance: String, policy: Duration) {
            self.instance = instance
            self.policy = policy
            meter = IdleMeter(interval: Self.interval(of: policy))
            plan = IdlePlan(interval: policy)
        }

        static func interval(of policy: Duration) -> Duration {
            min(IdleWatch.interval, max(.seconds(1), policy / 10))
        }

        var isDue: Bool {
            !isMeasuring && asked.map { .now - $0 >= Self.interval(of: policy) } ?? true
        }

        /// What is to be done now.
        mutating func next(isKept: Bool) -> IdlePlan.Action {
            let action = plan.next(meter.state(at: .now), isKept: isKept, at: .now)
            guard case .stop = action else {
                stopWanted = nil
                return action
            }
            // As it is used now, not as it was at the last look.
            if let stopWanted, let measured = meter.measured, measured >= stopWanted { return action }
            if stopWanted == nil { (stopWanted, asked) = (.now, nil) }
            return .nothing
        }
    }

    private let directory: DirectoryStore
    private let events: EventLog
    private let sessions: SessionRegistry
    private let power: HostPower
    private let executor: @Sendable () -> any HostExecutor
    private let log: @Sendable () -> Log
    private let uidRange: ClosedRange<UInt32>
    private let entries = Locked<[String: Entry]>([:])

    init(
        directory: DirectoryStore, events: EventLog, sessions: SessionRegistry, power: HostPower,
        uidRange: ClosedRange<UInt32>, executor: @escaping @Sendable () -> any HostExecutor,
        log: @escaping @Sendable () -> Log
    ) {
        self.directory = directory
        self.events = events
        self.sessions = sessions
        self.power = power
        self.executor = executor
        self.log = log
        self.uidRange = uidRange
    }

    /// Watches for ever, on a thread of its own.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start() throws {
        try Thread.start("idle") { [self] in
            while true {
                sleep(Self.tick)
                do { try look() } catch {
                    log().error("idle hosts cannot be looked after", ["error": "\(error)"])
                }
            }
        }
    }

    /// How a host is used; nil: it has no policy or does not run.
    func report(of host: String) -> IdleReport? {
        guard let entry = entries.withLock({ $0[host] }) else { return nil }
        let state = entry.meter.state(at: .now)
        guard case .idle(let time) = state, (try? directory.keep(of: host) == nil) == true else {
            return IdleReport(state: state)
        }
        return IdleReport(state: state, stopsIn: entry.plan.untilStop(after: time, at: .now))
    }

    // MARK: One look

    private func look() throws {
        let hosts = try watched()
        let names = Set(hosts.map(\.host.name))
        entries.withLock { entries in
            entries = entries.filter { names.contains($0.key) }
        }
        for (host, policy) in hosts {
            guard let instance = host.instance else { continue }
            let count = sessionCount(on: host.name)
            let ended = sessions.lastEnd(on: host.name)
            let keep = try directory.keep(of: host.name)
            let (isDue, action) = entries.withLock { entries -> (Bool, IdlePlan.Action) in
                var entry =
                    entries[host.name].flatMap {
                        $0.instance == instance.id && $0.policy == policy.interval ? $0 : nil
                    } ?? Entry(instance: instance.id, policy: policy.interval)
                defer { entries[host.name] = entry }
                entry.meter.note(sessions: count, at: .now)
                if let ended { entry.meter.noteSessionEnd(at: ended) }
                let action = entry.next(isKept: keep != nil)
                let isDue = entry.isDue && action == .nothing
                if isDue { (entry.isMeasuring, entry.asked) = (true, .now) }
                return (isDue, action)
            }
            if isDue { try measure(host) }
            try perform(action, on: host)
        }
    }

    /// The hosts that may be stopped at some time.
    private func watched() throws -> [(host: Host, policy: IdlePolicy)] {
        guard try !directory.idlePolicies().isEmpty else { return [] }
        return try directory.hosts().compactMap { host in
            guard host.instance?.state.isDown == false,
                let policy = try directory.idlePolicy(of: host.name), policy.interval > .zero
            else { return nil }
            return (host, policy)
        }
    }

    private func sessionCount(on host: String) -> Int {
        sessions.all.count { $0.host == host || $0.jumps.contains(host) }
    }

    /// Measures on a thread of its own: a command on a host takes what it takes.
    private func measure(_ host: Host) throws {
        let measurement = HostMeasurement(executor: executor(), uidRange: uidRange)
        do {
            try Thread.start("measure") { [self] in
                let result = Result { try measurement.measure(host) }
                entries.withLock { entries in
                    entries[host.name]?.isMeasuring = false
                    switch result {
                    case .success(let sample): entries[host.name]?.meter.take(sample, at: .now)
                    case .failure(let error):
                        let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
                        entries[host.name]?.meter.noteFailure("it cannot be measured: \(reason)")
                    }
                }
            }
        } catch {
            entries.withLock { $0[host.name]?.isMeasuring = false }
            throw error
        }
    }

    private func perform(_ action: IdlePlan.Action, on host: Host) throws {
        switch action {
        case .nothing: break
        case .warn(let left): try warn(host, left)
        case .stop(let time):
            let reason = "nobody has used it for \(IdleState.short(time))"
            // Where it was not stopped, all begins anew: nobody asks the cloud each second.
            defer { entries.withLock { $0[host.name] = nil } }
            try power.stop(host, because: reason) { [self] in sessionCount(on: host.name) > 0 }
        }
    }

    private func warn(_ host: Host, _ left: Duration) throws {
        let time = IdleState.short(left)
        let sentence =
            "Nobody has used \(host.name) for a while: it is stopped in \(time). "
            + "Work on it, or have it kept: 'keep \(host.name) until 18:00' on the target 'gate'."
        try events.append(Event(.hostSleep, host: host.name, detail: ["what": "warning", "in": time]))
        log().notice("idle host warned", ["host.name": host.name, "in": time])
        let executor = executor()
        try Thread.start("wall") { [log] in
            do {
                _ = try executor.run("exec wall", input: Array("\(sentence)\n".utf8), on: host)
            } catch {
                log().warning("no warning on a host", ["host.name": host.name, "error": "\(error)"])
            }
        }
    }
}
