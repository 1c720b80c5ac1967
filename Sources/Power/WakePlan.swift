package import Directory
package import Support

/// Why a host was not woken.
package enum WakeFailure: Equatable, Sendable {
    /// The cloud refuses to start it.
    case refused(PowerError)
    /// It was started and fell back to being stopped; the cloud's reason.
    case fellBack(String)
    /// The instance is gone for good.
    case gone
    /// It did not answer in that time; the last word about it.
    case silent(Duration, lastWord: String)
}

/// What is left of an instance when it was not woken.
package enum WakeRemainder: Equatable, Sendable {
    /// It does not run and costs nothing.
    case nothing
    /// It may run, and not because of us.
    case notOurs
    /// We had started it, and it was told to stop again.
    case stoppedAgain
    /// It should be stopped and cannot be, for this reason.
    case running(String)
}

/// Waking one instance: what is seen goes in, what to do next comes out. Pure; the clock is passed in.
package struct WakePlan: Sendable {
    /// What was seen.
    package enum Sighting: Equatable, Sendable {
        /// The cloud's word on the instance.
        case state(InstanceState, reason: String?)
        /// It was told to start.
        case started
        /// The cloud does not start it.
        case startRefused(PowerError)
        /// The cloud does not tell how it is.
        case noWord(String)
        /// Its sshd answers.
        case answered
        /// Its sshd does not answer yet; why.
        case silent(String)
    }

    /// What to do.
    package enum Action: Equatable, Sendable {
        /// Ask the cloud how it is, after a moment.
        case ask
        /// Tell the cloud to start it.
        case start
        /// Try whether its sshd answers.
        case dial
        /// It is awake.
        case succeed
        /// It is not woken; `stops`: it has to be stopped, since we started it.
        case giveUp(WakeFailure, stops: Bool)
    }

    /// For so long the cloud may tell of an instance as if it had not been told to start or stop it.
    package static let lag = Duration.seconds(10)

    private let timeout: Duration
    private let deadline: MonotonicTime
    private var startedAt: MonotonicTime?
    /// Whether the cloud was told to start it and did not answer.
    private var isDoubtful = false
    /// Whether it may run since an earlier wake.
    private var isLeft: Bool
    private var lastWord = "nothing was heard of it"

    /// What it waits for, for people.
    package private(set) var phase = "asking how it is"

    /// - Parameters:
    ///   - timeout: for all of it.
    ///   - isStarted: it was started before, by a daemon that is gone.
    ///   - isLeft: an earlier wake has started it, and could not have it stopped again.
    package init(
        timeout: Duration, isStarted: Bool = false, isLeft: Bool = false, at now: MonotonicTime
    ) {
        self.timeout = timeout
        self.isLeft = isLeft
        deadline = now + timeout
        startedAt = isStarted ? now : nil
    }

    /// What comes after this.
    package mutating func next(after sighting: Sighting, at now: MonotonicTime) -> Action {
        let action = follow(sighting, at: now)
        switch action {
        case .ask, .dial, .start:
            guard now >= deadline else { return action }
            return .giveUp(.silent(timeout, lastWord: lastWord), stops: isOurs || isLeft)
        case .succeed, .giveUp: return action
        }
    }

    /// Whether it runs because of us, as far as we know.
    private var isOurs: Bool { startedAt != nil || isDoubtful }

    private mutating func follow(_ sighting: Sighting, at now: MonotonicTime) -> Action {
        switch sighting {
        case .state(let state, let reason):
            return follow(state, reason, at: now)
        case .started:
            startedAt = now
            (phase, lastWord) = ("pending", "it was told to start")
            return .ask
        case .startRefused(let error):
            // No answer is no refusal: it may be starting.
            guard error.code == .noAnswer else { return .giveUp(.refused(error), stops: isOurs) }
            lastWord = error.detail
            isDoubtful = true
            return .ask
        case .noWord(let detail):
            lastWord = detail
            return .ask
        case .answered:
            return .succeed
        case .silent(let why):
            lastWord = "its sshd does not answer: \(why)"
            return .ask
        }
    }

    private mutating func follow(
        _ state: InstanceState, _ reason: String?, at now: MonotonicTime
    ) -> Action {
        lastWord = "it is \(state.rawValue)"
        phase = state.rawValue
        switch state {
        case .running:
            phase = "running, waiting for sshd"
            return .dial
        case .stopped:
            isLeft = false
            guard let startedAt else {
                phase = "starting"
                return .start
            }
            if now < startedAt + Self.lag {
                phase = "pending"
                return .ask
            }
            return .giveUp(.fellBack(reason ?? "no reason is given"), stops: false)
        case .shuttingDown, .terminated:
            return .giveUp(.gone, stops: false)
        case .pending, .stopping, .unknown:
            return .ask
        }
    }
}

extension WakeFailure {
    /// What is left of an instance that does not have to be stopped.
    package var remainder: WakeRemainder {
        if case .silent = self { .notOurs } else { .nothing }
    }

    /// One or two sentences for the person, with what is left.
    package func sentence(of host: String, leaving remainder: WakeRemainder) -> String {
        let left =
            switch remainder {
            case .nothing: "Nothing was left running."
            case .notOurs: "It may still run; Gatehouse did not start it."
            case .stoppedAgain: "It was stopped again, so nothing is left running."
            case .running(let why): "It could not be stopped again and may still run: \(why)."
            }
        return "\(why(host)). \(left) \(advice)"
    }

    /// Why, for who is on another host instead, and what of it may cost something; without a full stop.
    package func remark(about host: String, leaving remainder: WakeRemainder) -> String {
        switch remainder {
        case .nothing, .stoppedAgain: why(host)
        case .notOurs: "\(why(host)); it may still run"
        case .running(let reason): "\(why(host)); it could not be stopped again and may still run (\(reason))"
        }
    }

    private func why(_ host: String) -> String {
        switch self {
        case .refused(let error):
            switch error.code {
            case .noCapacity:
                "\(host) cannot be started: the cloud has no room for an instance of its type now (\(error.detail))"
            case .quotaExceeded:
                "\(host) cannot be started: the quota of the account is used up (\(error.detail))"
            case .denied: "\(host) cannot be started: the gateway may not do that (\(error.detail))"
            case .notFound: "\(host) cannot be started: there is no such instance (\(error.detail))"
            case .noAnswer, .rejected: "\(host) cannot be started: \(error.detail)"
            }
        case .fellBack(let reason): "\(host) was started and stopped again by itself: \(reason)"
        case .gone: "\(host) is gone: its machine was terminated"
        case .silent(let time, let word):
            "\(host) did not answer in \(time.components.seconds) seconds: \(word)"
        }
    }

    private var advice: String {
        switch self {
        case .refused(let error) where error.code == .noCapacity:
            "Try again in some minutes, or take another host."
        case .refused(let error) where error.code == .quotaExceeded:
            "Ask your administrator to stop another host or to raise the quota."
        case .refused(let error) where error.code == .denied:
            "Ask your administrator: it takes ec2:StartInstances and ec2:StopInstances."
        default: "Ask your administrator."
        }
    }
}
