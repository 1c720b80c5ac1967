/// How long the delivery waits before it connects to the gateway again, or the gateway to the host. Pure: time and chance are parameters.
///
/// A gateway that comes back has all its hosts at the door, and lets in so many at a time: each comes at a time of its own. It is
/// soon enough that none of them counts as silent by then.
package struct ReconnectPauses: Sendable {
    private static let first = Duration.seconds(1)
    /// With a login behind it well below `SilenceTally.limit` of the gateway.
    package static let longest = Duration.seconds(15)
    /// A connection that held so long was a good one.
    private static let goodTime = Duration.seconds(60)

    private let longest: Duration
    private var limit = Self.first

    /// - Parameter longest: what no pause is longer than, at least a second.
    package init(longest: Duration = Self.longest) {
        self.longest = longest
    }

    /// The next pause: half of what it may be or more.
    ///
    /// - Parameters:
    ///   - held: how long the connection held that has ended.
    ///   - random: from 0 to 1, another one each time.
    package mutating func next(after held: Duration, random: Double) -> Duration {
        if held > Self.goodTime { limit = Self.first }
        defer { limit = min(limit * 2, longest) }
        return limit * (0.5 + random / 2)
    }
}
