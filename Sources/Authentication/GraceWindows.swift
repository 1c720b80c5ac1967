package import Support

/// For how long codes that were shown hold for further logins: for the same user, key, address and enrolment.
///
/// Pure: the time is a parameter. The daemon's memory only, so that a restart asks everybody again.
package struct GraceWindows: Sendable {
    /// For what a code holds.
    package struct Holder: Hashable, Sendable {
        private let user: UInt32
        private let key: [UInt8]
        private let address: String
        private let enrolment: [UInt8]

        /// - Parameters:
        ///   - user: the uid.
        ///   - key: the key's blob.
        ///   - address: of the client.
        ///   - enrolment: something that another enrolment of the same user has not: its sealed secret.
        package init(user: UInt32, key: [UInt8], address: String, enrolment: [UInt8]) {
            self.user = user
            self.key = key
            self.address = address
            self.enrolment = enrolment
        }
    }

    /// Windows that are remembered at the most; then the one that closes first goes.
    private let capacity: Int
    private var shown: [Holder: MonotonicTime] = [:]

    package init(capacity: Int = 10_000) {
        self.capacity = capacity
    }

    /// How many are remembered.
    package var count: Int { shown.count }

    /// A code was shown.
    ///
    /// - Parameter length: how long codes hold; zero: not at all.
    package mutating func note(_ holder: Holder, at time: MonotonicTime, length: Duration) {
        guard length > .zero else { return }
        if shown.count >= capacity {
            shown = shown.filter { time - $0.value < length }
            if shown.count >= capacity, let oldest = shown.min(by: { $0.value < $1.value })?.key {
                shown[oldest] = nil
            }
        }
        shown[holder] = time
    }

    /// How long ago a code was shown that still holds; nil: none does.
    ///
    /// - Parameter length: how long codes hold now, whatever was so when it was shown.
    package func age(of holder: Holder, at time: MonotonicTime, length: Duration) -> Duration? {
        guard let moment = shown[holder] else { return nil }
        let age = time - moment
        return age < length ? age : nil
    }
}
