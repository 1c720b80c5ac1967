import Glibc
import Support

/// One wake of one host, for which any number of sessions wait.
final class WakeTurn: Sendable {
    /// How far it is.
    enum Progress: Equatable, Sendable {
        /// What it waits for, and for how many seconds all of it has taken.
        case underWay(phase: String, seconds: UInt32)
        case awake
        /// With a sentence for the person.
        case failed(String)
    }

    private struct State {
        var phase = "starting"
        var outcome: Progress?
    }

    private static let patience = Duration.seconds(1)
    private static let step: UInt32 = 100_000

    let started = MonotonicTime.now
    private let state = Locked(State())

    /// Waits until it is over, a second at the most.
    func wait() -> Progress {
        let deadline = MonotonicTime.now + Self.patience
        while true {
            let (phase, outcome) = state.withLock { ($0.phase, $0.outcome) }
            if let outcome { return outcome }
            guard .now < deadline else {
                let seconds = (MonotonicTime.now - started).milliseconds / 1_000
                return .underWay(phase: phase, seconds: UInt32(clamping: seconds))
            }
            usleep(Self.step)
        }
    }

    func note(phase: String) {
        state.withLock { $0.phase = phase }
    }

    func end(_ outcome: Progress) {
        state.withLock { $0.outcome = outcome }
    }
}
