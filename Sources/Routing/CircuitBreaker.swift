package import Support

/// Whether a host is worth a try, learned from how the last ones went. Pure: the time is a parameter.
///
/// Closed: all is well. Open after some failures in a row: the host is not chosen where there is another. After a pause, half-open:
/// one probe finds out; it closes the breaker, or opens it again for twice as long.
package struct CircuitBreaker: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        case closed(failures: Int)
        /// No probe before `until`.
        case open(until: MonotonicTime, pause: Duration)
        /// A probe is under way.
        case halfOpen(pause: Duration)
    }

    /// Failures in a row that open it.
    package static let limit = 3
    package static let firstPause = Duration.seconds(5)
    package static let longestPause = Duration.seconds(120)

    package private(set) var state = State.closed(failures: 0)
    /// Why the last try failed; nil: it did not.
    package private(set) var reason: String?

    package init() {}

    /// Whether the host is to be avoided.
    package var isOpen: Bool {
        if case .closed = state { false } else { true }
    }

    /// Somebody was answered there.
    ///
    /// - Returns: whether this closed it.
    @discardableResult
    package mutating func noteSuccess() -> Bool {
        defer {
            state = .closed(failures: 0)
            reason = nil
        }
        return isOpen
    }

    /// Nobody was answered there.
    ///
    /// - Returns: whether this opened it, from closed.
    @discardableResult
    package mutating func noteFailure(_ reason: String, at now: MonotonicTime) -> Bool {
        self.reason = reason
        switch state {
        case .closed(let failures) where failures + 1 < Self.limit:
            state = .closed(failures: failures + 1)
            return false
        case .closed:
            state = .open(until: now + Self.firstPause, pause: Self.firstPause)
            return true
        case .halfOpen(let pause):
            let longer = min(pause * 2, Self.longestPause)
            state = .open(until: now + longer, pause: longer)
            return false
        // Somebody tried all the same; the next probe stays due when it was.
        case .open: return false
        }
    }

    /// Whether a probe is due because of failures; one that is taken must be answered by `noteSuccess` or `noteFailure`.
    package mutating func takeProbe(at now: MonotonicTime) -> Bool {
        switch state {
        case .closed(let failures): return failures > 0
        case .open(let until, let pause):
            guard now >= until else { return false }
            state = .halfOpen(pause: pause)
            return true
        case .halfOpen: return false
        }
    }
}
