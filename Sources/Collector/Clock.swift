import Glibc

/// The time of day.
enum Clock {
    /// Nanoseconds since 1970.
    static var nanoseconds: Int64 {
        var value = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }

    /// Microseconds since 1970.
    static var microseconds: Int64 { nanoseconds / 1_000 }
}
