package import Support

/// How a host is used, as far as it was measured.
package enum IdleState: Equatable, Sendable {
    /// There is no unbroken measurement; why.
    case unknown(String)
    /// Somebody or something uses it: `tmux of alice`.
    case kept(String)
    /// Nobody has used it for so long.
    case idle(Duration)

    /// `idle 34m`, `kept: tmux of alice`, `not known: …`.
    package var text: String {
        switch self {
        case .unknown(let why): "not known: \(why)"
        case .kept(let reason): "kept: \(reason)"
        case .idle(let time): "idle \(Self.short(time))"
        }
    }

    /// `34m`, `2h 5m`, `12s`.
    package static func short(_ time: Duration) -> String {
        let seconds = max(0, time.components.seconds)
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3_600 { return "\(seconds / 60)m" }
        return seconds % 3_600 < 60 ? "\(seconds / 3_600)h" : "\(seconds / 3_600)h \(seconds % 3_600 / 60)m"
    }
}

/// Whether one host is used: measurements and sessions go in, a state comes out. Pure; the clock is passed in.
///
/// Only what was measured counts as idle: each moment of the time must lie between two measurements that are close enough
/// to each other, with little processor time used between them.
package struct IdleMeter: Sendable {
    /// Processors' worth of load that a host with nothing to do may have: its own services.
    private static let loadFloor = 0.1
    private static let loadPerCore = 0.01
    /// The same for one program of a person.
    private static let activityLimit = 0.02

    /// A command on a host takes a while.
    private static let slack = Duration.seconds(15)

    /// Measurements further apart say nothing about the time between them.
    private let gap: Duration
    private var last: (sample: IdleSample, time: MonotonicTime)?
    /// Since when it is measured without a gap.
    private var coveredSince: MonotonicTime?
    /// When it was last seen in use, and by what.
    private var lastUse: (time: MonotonicTime, reason: String)?
    private var sessions = 0
    private var problem = "it was not measured yet"

    /// - Parameter interval: at which it is measured.
    package init(interval: Duration) {
        gap = interval * 3 + Self.slack
    }

    /// When it was last measured.
    package var measured: MonotonicTime? { last?.time }

    /// Takes a measurement.
    package mutating func take(_ sample: IdleSample, at now: MonotonicTime) {
        defer { last = (sample, now) }
        if let reason = Self.holder(in: sample) { lastUse = (now, reason) }
        guard let last, now - last.time <= gap, last.sample.boot == sample.boot else {
            coveredSince = now
            return
        }
        if let reason = Self.work(from: last.sample, to: sample, in: now - last.time) {
            lastUse = (now, reason)
        }
    }

    /// A measurement did not work.
    package mutating func noteFailure(_ why: String) {
        problem = why
    }

    /// How many sessions of the gateway lead there; to be told often, so that short ones count.
    package mutating func note(sessions: Int, at now: MonotonicTime) {
        self.sessions = sessions
        if sessions > 0 { lastUse = (now, Self.text(sessions: sessions)) }
    }

    /// A session of the gateway ended then.
    package mutating func noteSessionEnd(at time: MonotonicTime) {
        if lastUse.map({ $0.time < time }) ?? true { lastUse = (time, Self.text(sessions: 1)) }
    }

    private static func text(sessions: Int) -> String { sessions == 1 ? "a session" : "\(sessions) sessions" }

    /// How it is used now.
    package func state(at now: MonotonicTime) -> IdleState {
        if sessions > 0 { return .kept(Self.text(sessions: sessions)) }
        guard let last, let coveredSince, now - last.time <= gap else { return .unknown(problem) }
        guard let lastUse, lastUse.time >= coveredSince else { return .idle(now - coveredSince) }
        // What was seen at the last look goes on until the next.
        return lastUse.time >= last.time ? .kept(lastUse.reason) : .idle(now - lastUse.time)
    }

    private static func holder(in sample: IdleSample) -> String? {
        sample.activities.keys.filter(\.holds).map { "\($0.what) of \($0.user)" }.min()
    }

    /// What used the processors between two measurements.
    private static func work(
        from before: IdleSample, to after: IdleSample, in time: Duration
    ) -> String? {
        let seconds = Double(max(1, time.milliseconds)) / 1_000
        func share(_ used: Double) -> Double { used / seconds }
        let busiest = after.activities.map { activity, used in
            (activity, share(used - (before.activities[activity] ?? 0)))
        }.max { ($0.1, $1.0.user, $1.0.what) < ($1.1, $0.0.user, $0.0.what) }
        if let (activity, load) = busiest, load > activityLimit {
            return "\(activity.what) of \(activity.user), \(text(load)) processors"
        }
        let load = share(after.processorTime - before.processorTime)
        guard load > max(loadFloor, loadPerCore * Double(after.cores)) else { return nil }
        return "load, \(text(load)) processors"
    }

    /// Two digits after the point.
    private static func text(_ load: Double) -> String {
        let hundredths = Int(min(load, 1_000_000) * 100 + 0.5)
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
