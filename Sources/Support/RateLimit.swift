/// Lets one thing through per interval and counts what it held back.
package struct RateLimit: Sendable {
    private let interval: Duration
    private var next: MonotonicTime?
    private var heldBack = 0

    package init(interval: Duration) {
        self.interval = interval
    }

    /// How many were held back since the last one, when this one may pass; nil when it may not.
    package mutating func pass(at time: MonotonicTime) -> Int? {
        if let next, time < next {
            heldBack += 1
            return nil
        }
        next = time + interval
        defer { heldBack = 0 }
        return heldBack
    }
}
