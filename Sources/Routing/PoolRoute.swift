package import Authorization
package import Directory

/// Who is where: a session, or something else of theirs that keeps them there.
package struct Presence: Hashable, Sendable {
    package let user: String
    package let host: String

    package init(user: String, host: String) {
        self.user = user
        self.host = host
    }
}

/// What is known of hosts besides the directory.
package struct PoolSituation: Sendable {
    /// One for each live session and each on its way.
    package var sessions: [Presence] = []
    /// One for each session that has lost its host lately: its user belongs there, and it is no load.
    package var lost: [Presence] = []
    /// Users with a service of theirs on a host: a terminal multiplexer, the server of an IDE.
    package var services: Set<Presence> = []
    /// How busy hosts say they are, in thousandths; only of those that said so lately.
    package var pressure: [String: Int] = [:]
    /// Hosts that have not answered several times in a row.
    package var failing: Set<String> = []
    /// Hosts that are being woken.
    package var waking: Set<String> = []
    /// Hosts that could not be woken lately.
    package var unwakeable: Set<String> = []

    package init() {}
}

/// Why somebody is not on the host on which they were or wanted to be.
package enum PassedOver: Equatable, Sendable {
    case notAnswering(String)
    case draining(String, HostDrain)
    case down(String, InstanceState)
    /// This has not been shown.
    case lacking(String, FurtherFactors)
    /// Not from where the client is.
    case elsewhere(String)

    /// The host.
    package var host: String {
        switch self {
        case .notAnswering(let name), .draining(let name, _), .down(let name, _), .lacking(let name, _),
            .elsewhere(let name):
            name
        }
    }

    /// What is the matter with it, without a full stop.
    package var words: String {
        switch self {
        case .notAnswering(let name): "\(name) does not answer"
        case .draining(let name, let drain):
            "\(name) takes no new sessions\(drain.message.isEmpty ? "" : " (\(drain.message))")"
        case .down(let name, let state): "\(name) is \(state.isGone ? "gone" : "stopped")"
        case .lacking(let name, let factors):
            "\(name) requires \(factors.words), which this login has not shown"
        case .elsewhere(let name): "you may not reach \(name) from here"
        }
    }

    /// What the person is told who is on `host` instead, without a full stop.
    package func sentence(insteadOn host: String) -> String { "\(words): you are on \(host)" }
}

/// A login that leads to some host of a pool.
package struct PoolRoute: Equatable, Sendable {
    /// Which host, and which one it might have been.
    package struct Choice: Equatable, Sendable {
        package let access: Access
        package let passedOver: PassedOver?
    }

    /// What a session adds to how busy a host is, in thousandths.
    private static let sessionWeight = 50

    /// The pool's name.
    package let name: String
    /// The hosts of the pool that the user may reach, in any state.
    package var members: [Access]
    /// Hosts of the pool that are granted to the user and not open to this login, by name.
    package let withheld: [String: PassedOver]
    /// The host of the pool that the user has chosen.
    package let pinned: String?

    package init(
        name: String, members: [Access], withheld: [String: PassedOver] = [:], pinned: String? = nil
    ) {
        self.name = name
        self.members = members
        self.withheld = withheld
        self.pinned = pinned
    }

    /// Leaves only hosts on which the user may do the same as with that access. Who may have a host woken may do nothing more there.
    package mutating func keepEqual(to access: Access) {
        var wanted = access.rights
        members.removeAll { member in
            wanted.wake = member.rights.wake
            return member.rights != wanted
        }
    }

    /// Picks the host; nil: none is open.
    ///
    /// Never one that is down, is being drained or is avoided. Of the others, in this order: one that answers, or has not lately been
    /// woken in vain; one that need not be woken, unless it is the user's own choice; that choice; where most of the user's sessions are; where a service of the user runs; one that is up rather than starting; the
    /// least busy; the first by name. Busy is the larger of load per processor and used memory as the hosts say, if all that are up say
    /// so, and 5 % for each session. Of those that have to be woken it is the one for which most sessions wait already.
    /// - Parameter avoided: hosts that have just not answered, by name.
    package func choose(in situation: PoolSituation, avoiding avoided: Set<String> = []) -> Choice? {
        func isOpen(_ access: Access) -> Bool {
            access.obstruction == nil && !avoided.contains(access.host.name)
        }
        let open = members.filter(isOpen)
        func isAsleep(_ access: Access) -> Bool {
            access.needsWaking && !situation.waking.contains(access.host.name)
        }
        func isStarting(_ access: Access) -> Bool {
            access.host.instance?.state == .pending || situation.waking.contains(access.host.name)
        }
        // What is not up has nothing to say, and is behind all that are up anyway.
        let knowsPressure = open.allSatisfy { access in
            let name = access.host.name
            return situation.pressure[name] != nil || situation.failing.contains(name) || isAsleep(access)
                || isStarting(access)
        }
        func rank(_ access: Access) -> Rank {
            let name = access.host.name
            let sessions = situation.sessions.count { $0.host == name }
            let pressure = knowsPressure ? situation.pressure[name] ?? 0 : 0
            return Rank(
                // What was known of one before it slept says nothing of how it will be.
                isFailing: (isAsleep(access) ? situation.unwakeable : situation.failing).contains(name),
                isAsleep: isAsleep(access) && name != pinned,
                attraction: attraction(of: name, for: access.user, situation), isStarting: isStarting(access),
                // Whoever is on the way to one that sleeps has it woken.
                busyness: isAsleep(access) ? -sessions : pressure + sessions * Self.sessionWeight, name: name)
        }
        guard let chosen = open.min(by: { rank($0) < rank($1) }) else { return nil }
        return Choice(access: chosen, passedOver: passedOver(for: chosen, situation, avoided))
    }

    /// What draws a user to a host.
    private func attraction(of host: String, for user: User, _ situation: PoolSituation) -> Attraction {
        let here = Presence(user: user.name, host: host)
        return Attraction(
            isPinned: host == pinned,
            sessions: (situation.sessions + situation.lost).count { $0 == here },
            hasService: situation.services.contains(here))
    }

    /// The host that would have been chosen, were nothing against it; nil: the chosen one, or none in particular.
    private func passedOver(
        for chosen: Access, _ situation: PoolSituation, _ avoided: Set<String>
    ) -> PassedOver? {
        func attraction(of host: String) -> Attraction {
            self.attraction(of: host, for: chosen.user, situation)
        }
        let names = withheld.keys.sorted() + members.map(\.host.name)
        guard let name = names.max(by: { attraction(of: $0) < attraction(of: $1) }),
            attraction(of: chosen.host.name) < attraction(of: name)
        else { return nil }
        guard let best = members.first(where: { $0.host.name == name }) else { return withheld[name] }
        if let instance = best.host.instance, instance.state.isDown {
            return .down(best.host.name, instance.state)
        }
        return best.obstruction ?? .notAnswering(best.host.name)
    }
}

extension Access {
    /// Why a pool does not lead there, as far as the directory knows; nil: nothing is known against it.
    package var obstruction: PassedOver? {
        if outage != nil, let instance = host.instance { return .down(host.name, instance.state) }
        return host.drain.map { .draining(host.name, $0) }
    }
}

/// More is stronger.
private struct Attraction: Comparable {
    let isPinned: Bool
    let sessions: Int
    let hasService: Bool

    static func < (left: Self, right: Self) -> Bool { left.key < right.key }

    private var key: (Int, Int, Int) { (isPinned ? 1 : 0, sessions, hasService ? 1 : 0) }
}

/// Less is better.
private struct Rank: Comparable {
    let isFailing: Bool
    let isAsleep: Bool
    let attraction: Attraction
    let isStarting: Bool
    let busyness: Int
    let name: String

    static func < (left: Self, right: Self) -> Bool {
        if left.isFailing != right.isFailing { return right.isFailing }
        if left.isAsleep != right.isAsleep { return right.isAsleep }
        if left.attraction != right.attraction { return left.attraction > right.attraction }
        if left.isStarting != right.isStarting { return right.isStarting }
        return (left.busyness, left.name) < (right.busyness, right.name)
    }
}
