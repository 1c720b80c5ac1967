package import Support

/// When a host that nobody uses is warned and stopped: states go in, what to do comes out. Pure; the clock is passed in.
package struct IdlePlan: Sendable {
    /// What to do now.
    package enum Action: Equatable, Sendable {
        case nothing
        /// Tell whoever is on the host, and note it: it is stopped after so long.
        case warn(Duration)
        /// Stop it: idle for so long.
        case stop(Duration)
    }

    private let interval: Duration
    /// How long before the stop each warning is given, longest first.
    private let leads: [Duration]
    /// When the warnings were given, in their order.
    private var given: [MonotonicTime] = []
    private var previous = Duration.zero

    /// - Parameter interval: how long it must have been idle; warnings come 15 and 5 minutes before, sooner in short ones.
    package init(interval: Duration) {
        self.interval = interval
        leads = [
            interval >= .seconds(1_200) ? .seconds(900) : interval / 3,
            interval >= .seconds(1_200) ? .seconds(300) : interval / 9,
        ]
    }

    /// What to do in this state. Nothing is stopped without both warnings, each as long before as it promised.
    ///
    /// - Parameter isKept: somebody has asked to keep it.
    package mutating func next(_ state: IdleState, isKept: Bool, at now: MonotonicTime) -> Action {
        guard case .idle(let time) = state, !isKept else {
            given = []
            return .nothing
        }
        // Somebody has used it meanwhile.
        if time < previous { given = [] }
        previous = time
        let left = untilStop(after: time, at: now)
        if given.count == leads.count { return left <= .zero ? .stop(time) : .nothing }
        let lead = leads[given.count]
        guard interval - time <= lead, left <= lead else { return .nothing }
        given.append(now)
        return .warn(lead)
    }

    /// How long it takes until it is stopped if nobody comes.
    package func untilStop(after time: Duration, at now: MonotonicTime) -> Duration {
        let rest = max(.zero, interval - time)
        guard let last = given.last else { return max(rest, time >= interval - leads[0] ? leads[0] : .zero) }
        return max(rest, leads[given.count - 1] - (now - last))
    }
}
