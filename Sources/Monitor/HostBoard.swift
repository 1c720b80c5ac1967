import Audit
import Commands
import Control
import Directory
import Routing
import Support

/// What is known of hosts besides the directory: whether they answer, how busy they are, who is there.
final class HostBoard: Sendable {
    /// How long what a host says of its load is good for; watchers say it every ten seconds.
    private static let freshness = Duration.seconds(45)
    /// How long a service counts as running on a host that says nothing more.
    private static let serviceMemory = Duration.seconds(600)

    private let events: EventLog
    private let sessions: SessionRegistry
    private let desk: DeliveryDesk
    private let waking: @Sendable () -> Set<String>
    private let unwakeable: @Sendable () -> Set<String>
    private let log: @Sendable () -> Log
    private let health = Locked(HostHealth())

    /// - Parameters:
    ///   - waking: gives the hosts that are being woken.
    ///   - unwakeable: gives those that could not be woken lately.
    init(
        events: EventLog, sessions: SessionRegistry, desk: DeliveryDesk,
        waking: @escaping @Sendable () -> Set<String>, unwakeable: @escaping @Sendable () -> Set<String>,
        log: @escaping @Sendable () -> Log
    ) {
        self.events = events
        self.sessions = sessions
        self.desk = desk
        self.waking = waking
        self.unwakeable = unwakeable
        self.log = log
    }

    // MARK: Choosing

    /// Decides where a session goes, and gives it its seat there at the same moment.
    ///
    /// - Parameters:
    ///   - isJump: the session does not lead there by its login.
    ///   - keepsSeat: it is on a host already, and its seat stays there.
    ///   - avoided: hosts that have just not answered.
    func seat(
        _ session: SessionID, of user: String, on route: Route, isJump: Bool = false,
        keepsSeat: Bool = false, avoiding avoided: Set<String> = []
    ) -> (Destination, PassedOver?) {
        let known = situation(for: route)
        return sessions.seat(session, of: user, isJump: isJump, keepsSeat: keepsSeat) { others, lost in
            var situation = known
            situation.sessions = others
            situation.lost = lost
            let choice = route.destination(in: situation, avoiding: avoided)
            guard case .host(let access) = choice.0 else { return (nil, choice) }
            return (access.host.name, choice)
        }
    }

    /// All but the sessions; of services those of the one for whom a host is picked.
    private func situation(for route: Route) -> PoolSituation {
        var situation = PoolSituation()
        guard case .pool(let pool) = route, let user = pool.members.first?.user else { return situation }
        situation.failing = health.withLock { $0.failing }
        situation.waking = waking()
        situation.unwakeable = unwakeable()
        situation.pressure = desk.loads(within: Self.freshness).mapValues(\.pressure)
        for (host, load) in desk.loads(within: Self.serviceMemory)
        where load.services.contains(where: { $0.uid == user.uid }) {
            situation.services.insert(Presence(user: user.name, host: host))
        }
        return situation
    }

    // MARK: Health

    /// A host's sshd has spoken. Where keys could not be exchanged before, that alone closes no breaker.
    ///
    /// - Parameter isDirect: over the network.
    func noteAnswer(of host: String, isDirect: Bool) {
        let isBack = health.withLock { $0.noteAnswer(of: host, isDirect: isDirect, at: .now) }
        if isBack { tell(host, ["state": "answers"]) }
    }

    /// Keys were exchanged with a host.
    func noteHandshake(with host: String) {
        let isBack = health.withLock { $0.noteHandshake(with: host) }
        if isBack { tell(host, ["state": "answers"]) }
    }

    /// A host has not answered.
    ///
    /// - Parameter isHandshake: its sshd speaks, but no login came about.
    /// - Returns: whether that has now happened several times in a row.
    @discardableResult
    func noteFailure(of host: String, _ reason: String, isHandshake: Bool = false) -> Bool {
        let isNew = health.withLock {
            $0.noteFailure(of: host, reason, isHandshake: isHandshake, at: .now)
        }
        if isNew { tell(host, ["state": "does not answer", "reason": reason]) }
        return isNew
    }

    /// Whether a probe has to exchange keys with a host to find it well.
    func needsHandshake(with host: String) -> Bool {
        health.withLock { $0.needsHandshake(with: host) }
    }

    /// Something is odd about a host: it is probed soon.
    func doubt(_ host: String) {
        health.withLock { $0.doubt(host) }
    }

    /// The breaker of a host.
    func breaker(of host: String) -> CircuitBreaker {
        health.withLock { $0.breaker(of: host) }
    }

    private func tell(_ host: String, _ detail: [String: String]) {
        log().notice("host health", ["host.name": host, "state": detail["state"] ?? ""])
        do { try events.append(Event(.hostHealth, host: host, detail: detail)) } catch {
            log().error("the health of a host cannot be noted", ["host.name": host, "error": "\(error)"])
        }
    }

    /// The hosts that are to be probed now; each is left alone until `endProbe`.
    ///
    /// - Parameters:
    ///   - hosts: all that there are.
    ///   - members: those of pools, by name.
    func takeProbes(of hosts: [Host], members: Set<String>, interval: Duration) -> [Host] {
        let waking = waking()
        return health.withLock {
            $0.takeProbes(of: hosts, members: members, waking: waking, interval: interval, at: .now)
        }
    }

    /// A probe is over, and what came of it noted.
    func endProbe(of host: String) {
        health.withLock { $0.endProbe(of: host) }
    }
}

extension HostBoard: HostConditions {
    func condition(of host: String) -> HostCondition {
        let load = desk.loads(within: Self.freshness)[host]
        let breaker = breaker(of: host)
        return HostCondition(
            sessions: sessions.count(on: host), load: load,
            failure: breaker.isOpen ? breaker.reason ?? "does not answer" : nil)
    }
}
