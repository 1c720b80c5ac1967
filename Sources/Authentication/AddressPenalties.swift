package import Support

/// Addresses from which logins failed too often, and for how long they are turned away.
///
/// Counted are connections that ended without a login after at least one failed attempt, so that a person whose agent offers a wrong
/// key first is never counted. Live sessions are not touched. Pure: the time is a parameter.
package struct AddressPenalties: Sendable {
    /// One address's record.
    private struct Record {
        var failures = 0
        var lastFailure: MonotonicTime
        var blocks = 0
        var blockedUntil: MonotonicTime?
    }

    /// Failures are forgotten this long after the last one; so are earlier blocks.
    private static let memory = Duration.seconds(600)
    /// A block doubles each time, up to this.
    private static let longestBlock = Duration.seconds(3_600)
    /// Addresses remembered at the most: a peer with many of them must not fill the daemon's memory.
    private static let capacity = 10_000

    /// Failed connections until an address is blocked; 0: never.
    package var limit: Int
    /// How long the first block lasts.
    package var block: Duration

    private var records: [String: Record] = [:]

    package init(limit: Int, block: Duration) {
        self.limit = limit
        self.block = block
    }

    /// Whether connections from `address` are turned away at `time`.
    package func isBlocked(_ address: String, at time: MonotonicTime) -> Bool {
        guard let until = records[Network.ofCustomer(at: address)]?.blockedUntil else { return false }
        return time < until
    }

    /// Counts a failed connection.
    ///
    /// - Returns: how long the address is blocked from now on, if this was one too many.
    package mutating func noteFailure(from address: String, at time: MonotonicTime) -> Duration? {
        guard limit > 0 else { return nil }
        if records.count >= Self.capacity { forget(at: time) }
        let network = Network.ofCustomer(at: address)
        var record = records[network] ?? Record(lastFailure: time)
        if let until = record.blockedUntil, time < until {
            // A connection that was there before the block.
            return nil
        }
        if time - max(record.lastFailure, record.blockedUntil ?? record.lastFailure) > Self.memory {
            record = Record(lastFailure: time)
        }
        record.failures += 1
        record.lastFailure = time
        var penalty: Duration?
        if record.failures >= limit {
            let length = min(block * (1 << min(record.blocks, 10)), max(block, Self.longestBlock))
            record.failures = 0
            record.blocks += 1
            record.blockedUntil = time + length
            penalty = length
        }
        records[network] = record
        return penalty
    }

    /// Forgets an address: somebody logged in from there.
    package mutating func noteSuccess(from address: String) {
        records[Network.ofCustomer(at: address)] = nil
    }

    /// Makes room: what is old goes, and if that is not enough, everything that is not blocked.
    private mutating func forget(at time: MonotonicTime) {
        records = records.filter {
            time - $0.value.lastFailure <= Self.memory || time < $0.value.blockedUntil ?? time
        }
        if records.count >= Self.capacity {
            records = records.filter { time < $0.value.blockedUntil ?? time }
        }
        if records.count >= Self.capacity { records = [:] }
    }
}
