import Glibc

/// A point on the machine's monotonic clock (CLOCK_MONOTONIC), for deadlines.
package struct MonotonicTime: Comparable, Sendable {
    /// Nanoseconds since an arbitrary start.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The present moment.
    package static var now: MonotonicTime {
        var value = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &value)
        return MonotonicTime(nanoseconds: Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec))
    }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (time: Self, duration: Duration) -> Self {
        Self(nanoseconds: time.nanoseconds + duration.milliseconds * 1_000_000)
    }

    package static func - (left: Self, right: Self) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
