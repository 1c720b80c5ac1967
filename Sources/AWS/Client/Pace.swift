internal import Support

/// How often one operation is called: as often as the service takes it, which shows only when it has had too much.
///
/// It begins with a few calls a second and doubles that until the service has no room. From then on it stays a little below
/// what the service took, and feels its way up so slowly that about one call of forty is refused; only above that it makes
/// haste. Pure: the time is a parameter, and one that jumps does no harm.
struct Pace {
    /// Calls a second.
    private(set) var rate = 5.0
    /// What the service took when it last had too much; nil: it never had.
    private var ceiling: Double?
    /// Calls that may be made at once.
    private static let burst = 2.0
    private static let rates = 0.1...200.0

    private var tokens = burst
    private var filled: Timestamp?
    private var lastCut = Timestamp(milliseconds: .min)
    private var lastGrowth: Timestamp?
    private var successes: [Timestamp] = []

    /// Takes leave to make a call now, or says how long to wait before asking again.
    mutating func take(at now: Timestamp) -> Duration? {
        let elapsed = filled.map { max(0, now.milliseconds &- $0.milliseconds) } ?? 0
        filled = now
        tokens = min(Self.burst, tokens + Double(min(elapsed, 60_000)) / 1_000 * rate)
        // A thousandth short is a rounded millisecond.
        guard tokens < 0.999 else {
            tokens -= 1
            return nil
        }
        return .milliseconds(max(1, Int64(((1 - tokens) / rate * 1_000).rounded(.up))))
    }

    /// A call was taken.
    mutating func succeeded(at now: Timestamp) {
        forget(before: now)
        successes.append(now)
        if let known = ceiling {
            let grown = rate + known * (rate < known * 1.02 ? 0.0025 : 0.02)
            rate = grown
            // Far above what it once took: the service has more room now.
            if grown > known * 1.25 { ceiling = nil }
        } else if now.milliseconds - (lastGrowth ?? now).milliseconds >= 1_000 || lastGrowth == nil {
            if lastGrowth != nil { rate *= 2 }
            lastGrowth = now
        }
        rate = min(rate, Self.rates.upperBound)
    }

    /// A call that was made at `start` was refused for lack of room.
    mutating func throttled(start: Timestamp, at now: Timestamp) {
        // Those already on their way say nothing new.
        guard start >= lastCut || lastCut > now else { return }
        forget(before: now)
        let taken = successes.isEmpty ? rate / 2 : min(rate, Double(successes.count))
        ceiling = max(taken, Self.rates.lowerBound)
        rate = max(taken * 0.9, Self.rates.lowerBound)
        lastCut = now
        lastGrowth = nil
        // The service gets a moment of rest, since what it counts is often the last second.
        filled = now
        tokens = 1 - min(2, rate)
    }

    private mutating func forget(before now: Timestamp) {
        successes.removeAll { now.milliseconds - $0.milliseconds >= 1_000 || $0 > now }
    }
}

/// The paces of all operations, for all threads that make calls.
package final class Pacing: Sendable {
    private let paces = Locked<[String: Pace]>([:])

    package init() {}

    /// Waits until the operation may be called.
    func wait(for operation: String, _ effects: Effects) {
        while let pause = paces.withLock({ $0[operation, default: Pace()].take(at: effects.now()) }) {
            effects.sleep(pause)
        }
    }

    func noteSuccess(of operation: String, at now: Timestamp) {
        paces.withLock { $0[operation, default: Pace()].succeeded(at: now) }
    }

    func noteThrottling(of operation: String, start: Timestamp, at now: Timestamp) {
        paces.withLock { $0[operation, default: Pace()].throttled(start: start, at: now) }
    }
}
