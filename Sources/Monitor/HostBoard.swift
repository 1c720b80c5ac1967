import Audit
import Commands
import Control
import Directory
import Routing
import Support

/// What is known of hosts besides the directory: whether they answer, how busy they are, who is there.
final class HostBoard: Sendable {
    private struct Entry {
        var breaker = CircuitBreaker()
        /// When somebody was last answered there.
        var answered: MonotonicTime?
        /// Whether that was over the network, and not through a tunnel.
        var isDirect = false
        /// Whether something is odd about it.
        var isDoubted = false
    }

    /// How long what a host says of its load is good for; watchers say it every ten seconds.
    private static let freshness = Duration.seconds(45)
    /// How long a service counts as running on a host that says nothing more.
    private static let serviceMemory = Duration.seconds(600)

    private let directory: DirectoryStore
    private let events: EventLog
    private let sessions: SessionRegistry
    private let desk: DeliveryDesk
    private let log: @Sendable () -> Log
    private let entries = Locked<[String: Entry]>([:])

    init(
        directory: DirectoryStore, events: EventLog, sessions: SessionRegistry, desk: DeliveryDesk,
        log: @escaping @Sendable () -> Log
    ) {
        self.directory = directory
        self.events = events
        self.sessions = sessions
        self.desk = desk
        self.log = log
    }

    // MARK: Choosing

    /// Decides where a session goes, and gives it its seat there at the same moment.
    ///
    /// - Parameters:
    ///   - isJump: the session does not lead there by its login.
    ///   - avoided: hosts that have just not answered.
    func seat(
        _ session: SessionID, of user: String, on route: Route, isJump: Bool = false,
        avoiding avoided: Set<String> = []
    ) throws -> (Destination, PassedOver?) {
        let known = try situation()
        return sessions.seat(session, of: user, isJump: isJump) { others, lost in
            var situation = known
            situation.sessions = others
            situation.lost = lost
            let choice = route.destination(in: situation, avoiding: avoided)
            guard case .host(let access) = choice.0 else { return (nil, choice) }
            return (access.host.name, choice)
        }
    }

    /// All but the sessions.
    private func situation() throws -> PoolSituation {
        var situation = PoolSituation()
        situation.failing = entries.withLock { entries in
            Set(entries.filter { $0.value.breaker.isOpen }.keys)
        }
        situation.pressure = desk.loads(within: Self.freshness).mapValues(\.pressure)
        let loads = desk.loads(within: Self.serviceMemory)
        let users = Set(loads.values.flatMap { $0.services.map(\.uid) })
        for uid in users {
            guard let user = try directory.findUser(uid: uid) else { continue }
            for (host, load) in loads where load.services.contains(where: { $0.uid == uid }) {
                situation.services.insert(Presence(user: user.name, host: host))
            }
        }
        return situation
    }

    // MARK: Health

    /// A host has answered.
    ///
    /// - Parameter isDirect: over the network.
    func noteAnswer(of host: String, isDirect: Bool) {
        let isBack = entries.withLock { entries in
            entries[host, default: Entry()].answered = .now
            entries[host, default: Entry()].isDirect = isDirect
            return entries[host, default: Entry()].breaker.noteSuccess()
        }
        if isBack { tell(host, ["state": "answers"]) }
    }

    /// A host has not answered.
    func noteFailure(of host: String, _ reason: String) {
        let isNew = entries.withLock {
            $0[host, default: Entry()].breaker.noteFailure(reason, at: .now)
        }
        if isNew { tell(host, ["state": "does not answer", "reason": reason]) }
    }

    /// Something is odd about a host: it is probed soon.
    func doubt(_ host: String) {
        entries.withLock { $0[host, default: Entry()].isDoubted = true }
    }

    /// The breaker of a host.
    func breaker(of host: String) -> CircuitBreaker {
        entries.withLock { $0[host]?.breaker } ?? CircuitBreaker()
    }

    private func tell(_ host: String, _ detail: [String: String]) {
        log().notice("host health", ["host.name": host, "state": detail["state"] ?? ""])
        do { try events.append(Event(.hostHealth, host: host, detail: detail)) } catch {
            log().error("the health of a host cannot be noted", ["host.name": host, "error": "\(error)"])
        }
    }

    /// The hosts that are to be probed now: those that have failed, when their breakers say so, and members of pools that nobody has
    /// heard of for an interval, as far as the network leads there.
    func takeProbes(interval: Duration) throws -> [Host] {
        let hosts = try directory.hosts()
        let members = Set(try directory.pools().flatMap(\.hosts))
        let now = MonotonicTime.now
        return entries.withLock { entries in
            let names = Set(hosts.map(\.name))
            entries = entries.filter { names.contains($0.key) }
            return hosts.filter { host in
                guard host.outage == nil else { return false }
                var entry = entries[host.name] ?? Entry()
                defer { entries[host.name] = entry }
                if entry.isDoubted, !entry.breaker.isOpen {
                    entry.isDoubted = false
                    return true
                }
                if entry.breaker.takeProbe(at: now) { return true }
                guard interval > .zero, members.contains(host.name), !entry.breaker.isOpen,
                    host.tunnelInstance == nil || entry.isDirect
                else { return false }
                return entry.answered.map { now >= $0 + interval } ?? true
            }
        }
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
