import Audit
import Configuration
import Directory
import Glibc
import Power
import Routing
import Support

/// Starts and stops the hosts that are instances; one wake for all who wait for a host.
final class HostPower: Sendable {
    /// Between two questions to the cloud.
    private static let pause: UInt32 = 1
    /// How long one attempt to reach sshd may take.
    private static let dialTimeout = Duration.seconds(5)
    /// How long a pool has others woken rather than one that could not be.
    private static let failureMemory = Duration.seconds(180)
    /// How often stopping is tried.
    private static let stopAttempts = 5

    let directory: DirectoryStore
    let events: EventLog
    private let inventory: InventoryKeeper
    private let reach: HostReach
    private let instances: any InstanceSwitch
    private let settings: Locked<GatewaySettings>
    private let turns = Locked<[String: WakeTurn]>([:])
    /// When hosts were last woken in vain.
    private let failed = Locked<[String: MonotonicTime]>([:])
    /// Hosts that are being stopped, by name.
    private let stopping = Locked<Set<String>>([])

    init(
        directory: DirectoryStore, events: EventLog, inventory: InventoryKeeper, reach: HostReach,
        instances: any InstanceSwitch, settings: Locked<GatewaySettings>
    ) {
        self.directory = directory
        self.events = events
        self.inventory = inventory
        self.reach = reach
        self.instances = instances
        self.settings = settings
    }

    private var log: Log { Log(threshold: settings.withLock { $0.configuration.logLevel }) }

    /// The hosts that are being woken, by name.
    var waking: Set<String> { turns.withLock { Set($0.keys) } }

    /// The hosts that could not be woken lately, by name.
    var unwakeable: Set<String> {
        let now = MonotonicTime.now
        return failed.withLock { failed in
            failed = failed.filter { now < $0.value + Self.failureMemory }
            return Set(failed.keys)
        }
    }

    /// The wake to wait for before this host can be dialled: one that is under way, or a new one; nil: it is up, as far as is known.
    func turn(for access: Access, by user: String) throws -> WakeTurn? {
        let host = access.host
        guard let instance = host.instance else { return nil }
        let isStopping = stopping.withLock { $0.contains(host.name) }
        let isAwaited = access.rights.wake && (isStopping || isLeft(host.name, instance.id))
        let (turn, isNew) = turns.withLock { turns -> (WakeTurn?, Bool) in
            if let turn = turns[host.name] { return (turn, false) }
            guard access.needsWaking || isAwaited else { return (nil, false) }
            let turn = WakeTurn()
            turns[host.name] = turn
            return (turn, true)
        }
        guard isNew, let turn else { return turn }
        do {
            try events.append(
                Event(
                    .hostWake, user: user, host: host.name,
                    detail: ["what": "begun", "instance": instance.id]))
            try run(turn, HostWake(host: host.name, instance: instance.id, started: .now, who: user))
        } catch {
            let words = "\(host.name) cannot be woken: \(error)"
            end(turn, of: host.name, .failed(WakeFailureWords(sentence: "\(words).", remark: words)))
        }
        return turn
    }

    /// Goes on with what a daemon before this one had started.
    func resume() throws {
        for wake in try directory.wakes() {
            let turn = WakeTurn()
            turns.withLock { $0[wake.host] = turn }
            try run(turn, wake, isStarted: true)
        }
    }

    private func run(_ turn: WakeTurn, _ wake: HostWake, isStarted: Bool = false) throws {
        try Thread.start("wake") { self.wake(wake, turn, isStarted: isStarted) }
    }

    private func end(_ turn: WakeTurn, of host: String, _ outcome: WakeTurn.Progress) {
        turns.withLock { $0[host] = nil }
        turn.end(outcome)
    }

    private func wake(_ wake: HostWake, _ turn: WakeTurn, isStarted: Bool) {
        // One that is being stopped answers for a while yet.
        while stopping.withLock({ $0.contains(wake.host) }) {
            turn.note(phase: InstanceState.stopping.rawValue)
            sleep(Self.pause)
        }
        let timeout = settings.withLock { $0.configuration.wakeTimeout }
        var plan = WakePlan(
            timeout: timeout, isStarted: isStarted, isLeft: isLeft(wake.host, wake.instance), at: .now)
        var action = WakePlan.Action.ask
        var isFirst = true
        while true {
            turn.note(phase: plan.phase)
            switch action {
            case .ask:
                if !isFirst { sleep(Self.pause) }
                isFirst = false
                action = plan.next(after: look(at: wake), at: .now)
            case .start:
                action = plan.next(after: start(wake), at: .now)
            case .dial:
                action = plan.next(after: dial(wake), at: .now)
            case .succeed:
                return succeed(wake, turn)
            case .giveUp(let failure, let stops):
                return giveUp(wake, turn, failure, stops: stops)
            }
        }
    }

    // MARK: Steps

    private func instance(of wake: HostWake) throws(PowerError) -> HostInstance {
        guard let host = try? directory.findHost(wake.host), let instance = host.instance,
            instance.id == wake.instance
        else { throw PowerError(.notFound, "\(wake.host) is no longer \(wake.instance)") }
        return instance
    }

    private func look(at wake: HostWake) -> WakePlan.Sighting {
        do throws(PowerError) {
            let (state, reason) = try instances.state(of: try instance(of: wake))
            return .state(state, reason: reason)
        } catch {
            return error.code == .notFound ? .startRefused(error) : .noWord(error.detail)
        }
    }

    private func start(_ wake: HostWake) -> WakePlan.Sighting {
        do {
            // First of all: what is started is stopped again, whatever becomes of this daemon.
            try directory.setWake(wake)
            try instances.start(try instance(of: wake))
        } catch let error as PowerError {
            return .startRefused(error)
        } catch {
            return .startRefused(PowerError(.rejected, "\(error)"))
        }
        note(
            Event(
                .hostWake, user: wake.who, host: wake.host,
                detail: ["what": "started", "instance": wake.instance]))
        log.notice("instance started", ["host.name": wake.host, "user.name": wake.who])
        return .started
    }

    /// Notes what was done at the cloud already: that it cannot be noted changes nothing of it.
    private func note(_ event: Event) {
        do { try events.append(event) } catch {
            log.error(
                "an instance's start or stop could not be noted",
                ["host.name": event.host ?? "", "error": "\(error)"])
        }
    }

    /// Whether an earlier wake could not have its instance stopped again.
    private func isLeft(_ host: String, _ instance: String) -> Bool {
        let wakes = (try? directory.wakes()) ?? []
        return wakes.contains { $0.host == host && $0.instance == instance }
    }

    /// Learns where it is now, and whether an SSH server speaks there.
    private func dial(_ wake: HostWake) -> WakePlan.Sighting {
        do {
            if let instance = try directory.findHost(wake.host)?.instance {
                try inventory.renew(instance, by: "wake")
            }
            let host = try directory.host(wake.host)
            let deadline = MonotonicTime.now + Self.dialTimeout
            // An agent that is up before sshd does not tell that the port is closed.
            let socket = try reach.dial(
                host, timeout: Self.dialTimeout, bannerTimeout: Self.dialTimeout,
                reason: "gatehouse:wake:\(wake.who)")
            return SSHBanner.comes(from: socket, until: deadline) ? .answered : .silent("it says nothing")
        } catch {
            return .silent("\(error)")
        }
    }

    private func succeed(_ wake: HostWake, _ turn: WakeTurn) {
        failed.withLock { $0[wake.host] = nil }
        let seconds = (MonotonicTime.now - turn.started).milliseconds / 1_000
        do {
            try directory.endWake(of: wake.host)
            try events.append(
                Event(
                    .hostWake, user: wake.who, host: wake.host,
                    detail: ["what": "answers", "instance": wake.instance, "seconds": String(seconds)]))
        } catch {
            log.error("a wake could not be noted", ["host.name": wake.host, "error": "\(error)"])
        }
        log.notice("host woken", ["host.name": wake.host, "seconds": String(seconds)])
        end(turn, of: wake.host, .awake)
    }

    private func giveUp(_ wake: HostWake, _ turn: WakeTurn, _ failure: WakeFailure, stops: Bool) {
        turn.note(phase: "stopping again")
        var remainder = failure.remainder
        if stops {
            do throws(PowerError) {
                try stopForCertain(try instance(of: wake))
                remainder = .stoppedAgain
            } catch {
                remainder = .running(error.detail)
            }
        }
        let sentence = failure.sentence(of: wake.host, leaving: remainder)
        failed.withLock { $0[wake.host] = .now }
        do {
            // One that may still run is looked after again when the daemon starts.
            if case .running = remainder {} else { try directory.endWake(of: wake.host) }
            try events.append(
                Event(
                    .hostWake, user: wake.who, host: wake.host,
                    detail: ["what": "failed", "instance": wake.instance, "reason": sentence]))
            if let instance = try directory.findHost(wake.host)?.instance {
                try inventory.renew(instance, by: "wake")
            }
        } catch {
            log.error("the end of a wake could not be noted", ["host.name": wake.host, "error": "\(error)"])
        }
        log.warning("host not woken", ["host.name": wake.host, "reason": sentence])
        let remark = failure.remark(about: wake.host, leaving: remainder)
        end(turn, of: wake.host, .failed(WakeFailureWords(sentence: sentence, remark: remark)))
    }

    // MARK: Stopping

    /// Stops a host that nobody uses.
    ///
    /// Who comes from now on waits, and has it woken again.
    /// - Parameter isUsed: asked after that: whether somebody has come or wants it to be kept meanwhile.
    func stop(_ host: Host, because reason: String, isUsed: () throws -> Bool) throws {
        // Never the gateway's own machine.
        guard let instance = host.instance, host.accountRoute != .local else { return }
        stopping.withLock { _ = $0.insert(host.name) }
        defer { stopping.withLock { _ = $0.remove(host.name) } }
        guard try !isUsed(), turns.withLock({ $0[host.name] }) == nil else { return }
        do throws(PowerError) {
            try stopForCertain(instance)
        } catch {
            let detail = ["what": "not stopped", "instance": instance.id, "reason": error.detail]
            try events.append(Event(.hostSleep, host: host.name, detail: detail))
            log.warning("idle host not stopped", ["host.name": host.name, "error": error.detail])
            return
        }
        note(
            Event(
                .hostSleep, host: host.name,
                detail: ["what": "stopped", "instance": instance.id, "reason": reason]))
        log.notice("idle host stopped", ["host.name": host.name, "reason": reason])
        // Before somebody is sent there: from now on it is to be woken.
        try inventory.renew(instance, by: "idle")
    }

    /// Has it stopped; tries again where the cloud does not answer. Returns when the cloud tells of it as of one that does not
    /// run: who looks at it before would be sent there.
    private func stopForCertain(_ instance: HostInstance) throws(PowerError) {
        for attempt in 1... {
            do throws(PowerError) {
                try instances.stop(instance)
                break
            } catch {
                guard error.code == .noAnswer, attempt < Self.stopAttempts else { throw error }
                sleep(Self.pause)
            }
        }
        let deadline = MonotonicTime.now + WakePlan.lag
        while .now < deadline {
            if let (state, _) = try? instances.state(of: instance), state != .running { return }
            sleep(Self.pause)
        }
    }
}
