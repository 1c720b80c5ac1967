package import Directory
package import Routing
package import Support

/// Whether hosts answer, and which of them are to be asked. Pure: the time is a parameter.
package struct HostHealth: Sendable {
    private struct Entry {
        var breaker = CircuitBreaker()
        /// When somebody was last answered there.
        var answered: MonotonicTime?
        /// Whether that was over the network, and not through a tunnel.
        var isDirect = false
        /// Whether its sshd speaks and then breaks logins off, as far as is known.
        var breaksOff = false
        /// Whether something is odd about it.
        var isDoubted = false
        /// Whether a probe is under way.
        var isProbed = false

        mutating func takeProbe(
            _ host: Host, isMember: Bool, interval: Duration, at now: MonotonicTime
        ) -> Bool {
            guard !isProbed else { return false }
            isProbed = isDue(host, isMember: isMember, interval: interval, at: now)
            return isProbed
        }

        private mutating func isDue(
            _ host: Host, isMember: Bool, interval: Duration, at now: MonotonicTime
        ) -> Bool {
            if isDoubted, !breaker.isOpen {
                isDoubted = false
                return true
            }
            if breaker.takeProbe(at: now) { return true }
            guard interval > .zero, isMember, !breaker.isOpen, host.tunnelInstance == nil || isDirect else {
                return false
            }
            return answered.map { now >= $0 + interval } ?? true
        }
    }

    private var entries: [String: Entry] = [:]

    package init() {}

    /// Hosts that have not answered several times in a row.
    package var failing: Set<String> { Set(entries.filter { $0.value.breaker.isOpen }.keys) }

    /// The breaker of a host.
    package func breaker(of host: String) -> CircuitBreaker { entries[host]?.breaker ?? CircuitBreaker() }

    /// A host's sshd has spoken.
    ///
    /// Where the key exchange failed before, only `noteHandshake` says that it is well.
    /// - Parameter isDirect: over the network.
    /// - Returns: whether it had not done so several times in a row.
    package mutating func noteAnswer(of host: String, isDirect: Bool, at now: MonotonicTime) -> Bool {
        entries[host, default: Entry()].answered = now
        entries[host, default: Entry()].isDirect = isDirect
        guard entries[host]?.breaksOff == false else { return false }
        return entries[host, default: Entry()].breaker.noteSuccess()
    }

    /// Keys were exchanged with a host.
    ///
    /// - Returns: whether it had not answered several times in a row.
    package mutating func noteHandshake(with host: String) -> Bool {
        entries[host]?.breaksOff = false
        return entries[host]?.breaker.noteSuccess() ?? false
    }

    /// A host has not answered.
    ///
    /// - Parameter isHandshake: its sshd speaks, but no login came about.
    /// - Returns: whether that has now happened several times in a row.
    package mutating func noteFailure(
        of host: String, _ reason: String, isHandshake: Bool = false, at now: MonotonicTime
    ) -> Bool {
        if isHandshake { entries[host, default: Entry()].breaksOff = true }
        return entries[host, default: Entry()].breaker.noteFailure(reason, at: now)
    }

    /// Whether a probe has to exchange keys with a host to find it well.
    package func needsHandshake(with host: String) -> Bool { entries[host]?.breaksOff ?? false }

    /// Something is odd about a host: it is probed soon.
    package mutating func doubt(_ host: String) {
        entries[host, default: Entry()].isDoubted = true
    }

    /// The hosts that are to be probed now: those that have failed, when their breakers say so, and members of pools that nobody has
    /// heard of for an interval, as far as the network leads there. Each is left alone until `endProbe`.
    ///
    /// What was known of hosts that are down or on their way up is forgotten: it says nothing of how they will be.
    /// - Parameters:
    ///   - hosts: all that there are.
    ///   - members: those of pools, by name.
    ///   - waking: those that are being woken, by name.
    package mutating func takeProbes(
        of hosts: [Host], members: Set<String>, waking: Set<String>, interval: Duration, at now: MonotonicTime
    ) -> [Host] {
        let awake = hosts.filter { host in
            host.outage == nil && host.instance?.state != .pending && !waking.contains(host.name)
        }
        let names = Set(awake.map(\.name))
        entries = entries.filter { names.contains($0.key) }
        return awake.filter { host in
            var entry = entries[host.name] ?? Entry()
            let isDue = entry.takeProbe(
                host, isMember: members.contains(host.name), interval: interval, at: now)
            entries[host.name] = entry
            return isDue
        }
    }

    /// A probe is over, and what came of it noted.
    package mutating func endProbe(of host: String) {
        entries[host]?.isProbed = false
    }
}
