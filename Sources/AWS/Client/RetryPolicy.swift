/// How often and how soon a call is made again.
package struct RetryPolicy: Sendable {
    /// How many times at most a call is made whose connection breaks or that the service fails at.
    package var attemptLimit = 4

    /// How many times at most a call is made that the service has no room for.
    package var throttledAttemptLimit = 10

    /// The longest first wait; it doubles each time.
    package var baseDelay = Duration.milliseconds(200)

    /// The longest wait.
    package var delayLimit = Duration.seconds(20)

    package init() {}

    /// Full jitter: any time from none to a limit that doubles with each attempt, so that many callers spread out.
    ///
    /// - Parameters:
    ///   - attempt: how many attempts have failed, 1 or more.
    ///   - random: from 0 to 1.
    ///   - serverWait: what the service asks for; a minute at most is heeded, and the jitter comes on top.
    package func delay(afterAttempt attempt: Int, random: Double, serverWait: Duration? = nil) -> Duration {
        var ceiling = baseDelay
        for _ in 1..<max(1, min(attempt, 32)) where ceiling < delayLimit { ceiling *= 2 }
        let jitter = min(ceiling, delayLimit) * random
        return jitter + min(max(serverWait ?? .zero, .zero), .seconds(60))
    }
}

/// The attempts of one call: an outcome in, what to do next out.
struct CallAttempts {
    enum Outcome {
        /// Nobody was reached: nothing was done.
        case unreachable
        /// It may or may not have been done.
        case interrupted
        case throttled(serverWait: Duration?)
        case serverFault(serverWait: Duration?)
        /// Perhaps for clocks that differ by this much, perhaps for keys that have been replaced.
        case rejectedSignature(skew: Duration)
        /// The service says so itself.
        case clockSkew(skew: Duration)
        case expiredCredentials
        case final
    }

    enum Action: Equatable {
        case giveUp
        case repeatAfter(Duration)
        case repeatWithServerTime
        /// If there are any others.
        case repeatWithNewCredentials
    }

    /// Differences below this do not make AWS reject a signature; it allows five minutes.
    private static let harmlessSkew = Duration.seconds(240)

    let policy: RetryPolicy

    /// Whether it does no harm to do the call twice.
    let isRepeatable: Bool

    private var count = 0
    private var throttledCount = 0
    private var hasCorrectedClock = false
    private var hasRenewedCredentials = false

    init(policy: RetryPolicy, isRepeatable: Bool) {
        self.policy = policy
        self.isRepeatable = isRepeatable
    }

    mutating func next(after outcome: Outcome, random: Double) -> Action {
        switch outcome {
        case .unreachable:
            return again(random, nil)
        case .interrupted:
            return isRepeatable ? again(random, nil) : .giveUp
        case .serverFault(let serverWait):
            return isRepeatable ? again(random, serverWait) : .giveUp
        case .throttled(let serverWait):
            throttledCount += 1
            guard throttledCount < policy.throttledAttemptLimit else { return .giveUp }
            let delay = policy.delay(afterAttempt: throttledCount, random: random, serverWait: serverWait)
            return .repeatAfter(delay)
        case .clockSkew(let skew):
            return skew == .zero ? .giveUp : correctClock()
        case .rejectedSignature(let skew):
            return abs(skew) < Self.harmlessSkew ? renewCredentials() : correctClock()
        case .expiredCredentials:
            return renewCredentials()
        case .final:
            return .giveUp
        }
    }

    private mutating func again(_ random: Double, _ serverWait: Duration?) -> Action {
        count += 1
        guard count < policy.attemptLimit else { return .giveUp }
        return .repeatAfter(policy.delay(afterAttempt: count, random: random, serverWait: serverWait))
    }

    private mutating func correctClock() -> Action {
        if hasCorrectedClock { return .giveUp }
        hasCorrectedClock = true
        return .repeatWithServerTime
    }

    private mutating func renewCredentials() -> Action {
        if hasRenewedCredentials { return .giveUp }
        hasRenewedCredentials = true
        return .repeatWithNewCredentials
    }

    private func abs(_ duration: Duration) -> Duration { duration < .zero ? .zero - duration : duration }
}
