import Support

/// Why a host was not woken.
struct WakeFailureWords: Equatable, Sendable {
    /// For who wanted this host: why, what is left and what to do.
    let sentence: String
    /// For who is on another one instead, without a full stop.
    let remark: String
}

/// One wake of one host, for which any number of sessions wait.
final class WakeTurn: Sendable {
    /// How far it is.
    enum Progress: Equatable, Sendable {
        /// What it waits for, and for how many seconds all of it has taken.
        case underWay(phase: String, seconds: UInt32)
        case awake
        case failed(WakeFailureWords)
    }

    private struct State {
        var phase = "starting"
        var outcome: Progress?
    }

    private static let patience = Duration.seconds(1)

    let started = MonotonicTime.now
    private let state = Awaited(State())

    /// Waits until it is over, a second at the most.
    func wait() -> Progress {
        let outcome = state.wait(until: .now + Self.patience) { $0.outcome }
        let seconds = (MonotonicTime.now - started).milliseconds / 1_000
        return outcome
            ?? .underWay(phase: state.changeQuietly { ($0.phase, false) }, seconds: UInt32(clamping: seconds))
    }

    func note(phase: String) {
        state.changeQuietly { state in
            state.phase = phase
            return ((), wakes: false)
        }
    }

    func end(_ outcome: Progress) {
        state.change { $0.outcome = outcome }
    }
}
