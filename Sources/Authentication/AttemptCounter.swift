/// Counts what failed on one connection, as OpenSSH's MaxAuthTries does.
package struct AttemptCounter: Equatable, Sendable {
    private let limit: Int
    /// How many there were.
    package private(set) var failures = 0

    /// - Parameter limit: the connection ends with this many failures.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Whether the connection must end.
    package var isExhausted: Bool { failures >= limit }

    /// Counts one failure; true when it was one too many and the connection must end.
    package mutating func countFailure() -> Bool {
        failures += 1
        return isExhausted
    }
}
