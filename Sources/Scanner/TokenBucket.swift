package import Support

/// Spreads work over time: so much a second, and a tenth of a second's worth at once.
package struct TokenBucket: Sendable {
    private let perSecond: Double
    private var tokens: Double
    private var refilled: MonotonicTime

    /// - Parameter perSecond: tokens a second, 1 at the least.
    package init(perSecond: Int, at time: MonotonicTime) {
        self.perSecond = Double(max(1, perSecond))
        tokens = self.perSecond / 10
        refilled = time
    }

    /// Takes tokens, which may leave a debt.
    ///
    /// - Returns: how long to wait before the work goes on, in nanoseconds.
    package mutating func take(_ count: Int, at time: MonotonicTime) -> Int64 {
        let elapsed = Double(max(0, time.nanoseconds - refilled.nanoseconds)) / 1e9
        refilled = max(refilled, time)
        tokens = min(perSecond / 10, tokens + elapsed * perSecond) - Double(count)
        return tokens >= 0 ? 0 : Int64(-tokens / perSecond * 1e9)
    }
}
