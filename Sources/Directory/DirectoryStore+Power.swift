package import Support

/// When a host is stopped because nobody uses it.
package struct IdlePolicy: Equatable, Sendable {
    /// Seconds that it may be.
    package static let bounds: ClosedRange<Int64> = 5...2_592_000

    /// How long nobody must have used it; zero: it is never stopped.
    package let interval: Duration
    /// The pool that it comes from; nil: the host itself.
    package let source: String?

    package init(interval: Duration, source: String?) {
        self.interval = interval
        self.source = source
    }
}

/// A host that is stopped when nobody has used it.
package struct IdleHost: Equatable, Sendable {
    package let host: Host
    package let instance: HostInstance
    /// How long nobody must have used it.
    package let interval: Duration
    /// It is not stopped before then; may be past.
    package let keptUntil: Timestamp?

    package init(host: Host, instance: HostInstance, interval: Duration, keptUntil: Timestamp?) {
        self.host = host
        self.instance = instance
        self.interval = interval
        self.keptUntil = keptUntil
    }
}

/// Somebody wants a host not to be stopped.
package struct HostKeep: Equatable, Sendable {
    package let until: Timestamp
    /// A user, or who the operator is.
    package let who: String

    package init(until: Timestamp, who: String) {
        self.until = until
        self.who = who
    }
}

/// What became of a person's wish to keep a host, or to keep it no longer.
package enum KeepOutcome: Equatable, Sendable {
    /// It is as was wished; with what others want besides.
    case done(others: HostKeep?)
    /// Nothing has changed: another keeps it for longer.
    case refused(HostKeep)
}

/// An instance that Gatehouse has started and that has not answered yet.
package struct HostWake: Equatable, Sendable {
    package let host: String
    package let instance: String
    package let started: Timestamp
    /// For whom.
    package let who: String

    package init(host: String, instance: String, started: Timestamp, who: String) {
        self.host = host
        self.instance = instance
        self.started = started
        self.who = who
    }
}

extension DirectoryStore {
    /// When this host is stopped: its own policy, else the longest of its pools (where 'never' is the longest); nil: there is none.
    package func idlePolicy(of host: String) throws -> IdlePolicy? {
        try read { try $0.idlePolicy(of: host) }
    }

    /// The hosts that are to be stopped at some time, by name, and the directory's generation of which that is true: instances that have a policy and
    /// are not down, but never the gateway's own machine.
    package func idleHosts() throws -> (generation: Int64, hosts: [IdleHost]) {
        try read { (try $0.counter("generation"), try $0.idleHosts()) }
    }

    /// Says when a pool's hosts are stopped.
    ///
    /// - Parameter interval: nil: no policy; zero: never.
    /// - Throws: `DirectoryError` `.notFound`, `.outOfRange`.
    package func setIdlePolicy(_ interval: Duration?, ofPool pool: String) throws {
        try change {
            _ = try $0.pool(pool)
            try $0.setIdlePolicy(interval, of: pool)
        }
    }

    /// Who keeps the host from being stopped at `time`, and for longest; nil: nobody.
    package func keep(of host: String, at time: Timestamp = .now) throws -> HostKeep? {
        try read { try $0.keep(of: host, at: time) }
    }

    /// Keeps the host from being stopped, or no more, whatever others had asked for.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func setKeep(_ keep: HostKeep?, of host: String) throws {
        try change { try $0.setKeep(keep, of: host) }
    }

    /// Keeps the host for one person, or for this person no more; what others have asked for stays.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    package func setKeep(
        until: Timestamp?, by person: String, of host: String, at time: Timestamp = .now
    ) throws -> KeepOutcome {
        try change { try $0.setKeep(until: until, by: person, of: host, at: time) }
    }

    /// Instances that were started and have not answered yet.
    package func wakes() throws -> [HostWake] {
        try read { try $0.wakes() }
    }

    /// Notes that an instance is about to be started.
    package func setWake(_ wake: HostWake) throws {
        try change { try $0.setWake(wake) }
    }

    /// Notes that it has answered, or does not run.
    package func endWake(of host: String) throws {
        try change { try $0.endWake(of: host) }
    }
}
