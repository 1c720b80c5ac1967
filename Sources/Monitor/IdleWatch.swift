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

    /// So long a decision to stop a host is as good as new.
    private static let freshness = Duration.seconds(5)

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
            var known: (generation: Int64, hosts: [IdleHost]) = (-1, [])
            while true {
                sleep(Self.tick)
                attempt {
                    if try directory.generation() != known.generation { known = try directory.idleHosts() }
                    look(at: known.hosts)
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

    private func look(at hosts: [IdleHost]) {
        let names = Set(hosts.map(\.host.name))
        entries.withLock { entries in
            entries = entries.filter { names.contains($0.key) }
        }
        let counts = hosts.isEmpty ? [:] : sessionCounts()
        var due: [Host] = []
        var warned: [(host: Host, left: Duration)] = []
        var unused: [(host: Host, time: Duration)] = []
        for idle in hosts {
            let (isDue, action) = next(for: idle, sessions: counts[idle.host.name] ?? 0)
            if isDue { due.append(idle.host) }
            switch action {
            case .nothing: break
            case .warn(let left): warned.append((idle.host, left))
            case .stop(let time): unused.append((idle.host, time))
            }
        }
        attempt { try measure(due) }
        attempt { try warn(warned) }
        let decided = MonotonicTime.now
        for (host, time) in unused {
            // Stopping the others may have taken minutes: these are measured once more first.
            guard .now - decided < Self.freshness else {
                entries.withLock { $0[host.name]?.stopWanted = nil }
                continue
            }
            attempt { try stop(host, unusedFor: time) }
        }
    }

    /// What fails keeps nothing else from being done.
    private func attempt(_ step: () throws -> Void) {
        do { try step() } catch {
            log().error("idle hosts cannot be looked after", ["error": "\(error)"])
        }
    }

    /// Whether a host is to be measured now, and what else is to be done.
    private func next(for idle: IdleHost, sessions count: Int) -> (isDue: Bool, action: IdlePlan.Action) {
        let name = idle.host.name
        let ended = sessions.lastEnd(on: name)
        let isKept = idle.keptUntil.map { $0 > .now } ?? false
        return entries.withLock { entries in
            var entry =
                entries[name].flatMap {
                    $0.instance == idle.instance.id && $0.policy == idle.interval ? $0 : nil
                } ?? Entry(instance: idle.instance.id, policy: idle.interval)
            defer { entries[name] = entry }
            entry.meter.note(sessions: count, at: .now)
            if let ended { entry.meter.noteSessionEnd(at: ended) }
            let action = entry.next(isKept: isKept)
            let isDue = entry.isDue && action == .nothing
            if isDue { (entry.isMeasuring, entry.asked) = (true, .now) }
            return (isDue, action)
        }
    }

    /// How many sessions lead to each host, by their login or a jump.
    private func sessionCounts() -> [String: Int] {
        sessions.all.reduce(into: [:]) { counts, entry in
            for host in entry.jumps.union([entry.host].compactMap(\.self)) { counts[host, default: 0] += 1 }
        }
    }

    /// Measures on a thread of its own: a command on a host takes what it takes.
    private func measure(_ hosts: [Host]) throws {
        guard !hosts.isEmpty else { return }
        let measurement = HostMeasurement(executor: executor(), uidRange: uidRange)
        do {
            try Thread.start("measure") { [self] in
                measurement.measure(hosts) { number, result in self.take(result, of: hosts[number].name) }
            }
        } catch {
            entries.withLock { entries in
                for host in hosts { entries[host.name]?.isMeasuring = false }
            }
            throw error
        }
    }

    private func take(_ result: Result<IdleSample, any Error>, of host: String) {
        entries.withLock { entries in
            entries[host]?.isMeasuring = false
            switch result {
            case .success(let sample): entries[host]?.meter.take(sample, at: .now)
            case .failure(let error):
                let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
                entries[host]?.meter.noteFailure("it cannot be measured: \(reason)")
            }
        }
    }

    private func stop(_ host: Host, unusedFor time: Duration) throws {
        // Where it was not stopped, all begins anew: nobody asks the cloud each second.
        defer { entries.withLock { $0[host.name] = nil } }
        try power.stop(host, because: "nobody has used it for \(IdleState.short(time))") { [self] in
            // Stopping others may have taken a while.
            try sessionCounts()[host.name] != nil || directory.keep(of: host.name) != nil
        }
    }

    /// Tells whoever is on these hosts how long that is possible yet; on a thread of its own.
    private func warn(_ hosts: [(host: Host, left: Duration)]) throws {
        guard !hosts.isEmpty else { return }
        let lines = hosts.map { host, left in
            (
                host: host,
                text: "Nobody has used \(host.name) for a while: it is stopped in \(IdleState.short(left)). "
                    + "Work on it, or have it kept: 'keep \(host.name) until 18:00' on the target 'gate'."
            )
        }
        let executor = executor()
        try Thread.start("wall") { [log] in
            executor.wall(lines) { host, error in
                let reason = ErrorReport(for: error).reasons.joined(separator: "; ")
                log().warning("no warning on a host", ["host.name": host.name, "error": reason])
            }
        }
        for (host, left) in hosts {
            let time = IdleState.short(left)
            log().notice("idle host warned", ["host.name": host.name, "in": time])
            attempt {
                try events.append(
                    Event(.hostSleep, host: host.name, detail: ["what": "warning", "in": time]))
            }
        }
    }
}
