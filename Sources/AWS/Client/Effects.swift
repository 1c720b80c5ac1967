internal import Glibc
package import Support

/// What calls need of the world besides the network; tests put their own here.
package struct Effects: Sendable {
    package var now: @Sendable () -> Timestamp
    package var sleep: @Sendable (Duration) -> Void

    /// A number from 0 up to but not including 1.
    package var random: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Timestamp, sleep: @escaping @Sendable (Duration) -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    /// The system's clock and random numbers; sleeping blocks the thread.
    package static let system = Effects(
        now: { .now },
        sleep: { duration in
            let milliseconds = max(0, duration.milliseconds)
            var left = timespec(
                tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds % 1_000) * 1_000_000)
            var rest = timespec()
            while unsafe nanosleep(&left, &rest) != 0, errno == EINTR { left = rest }
        },
        random: { .random(in: 0..<1) })
}
