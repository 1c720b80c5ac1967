import CSupport

/// Ends a process that computes without getting anywhere.
///
/// A peer can bring libssh into a loop that never ends: a channel whose packets may have 10 bytes, which is what it sets
/// aside for their headers.
enum Watchdog {
    /// Far more than all that happens between two calls of `feed` can take.
    private static let seconds: UInt32 = 5

    /// Says that the process gets on; from now on it has `seconds` of processor time until the next call.
    static func feed() {
        gh_limit_processor_time(seconds)
    }
}
