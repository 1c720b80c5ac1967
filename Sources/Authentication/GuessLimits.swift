package import Configuration
package import Support

/// How often secrets that can be guessed (codes, passwords) may be tried for a user. Keys are never counted.
///
/// Each kind is counted by itself: whoever knows the password gains no guesses at the code by giving it.
/// An attempt counts as a failed one from its beginning on, so that attempts side by side gain nothing; a right secret takes it back.
/// Failures count for the pair of user and network first: whoever guesses elsewhere keeps nobody out. Failures from everywhere together
/// close the door to networks from which the user has not come before, and to no other. So nobody can be locked out from where they usually
/// come, and none of this touches a live session. Pure: the time is a parameter.
package struct GuessLimits: Sendable {
    /// Whether a secret may be looked at.
    package enum Admission: Equatable, Sendable {
        /// It may. If it is wrong, the next one has to wait so long; nil: not at all.
        case admitted(closing: Duration?)
        /// It may not, for so long; to be answered as a wrong one.
        case refused(for: Duration)
    }

    /// What is known of one user's secrets of one kind at one network; `network` is empty for all networks together.
    package struct Record: Equatable, Sendable {
        package let factor: Factor
        package let user: String
        package let network: String
        /// Wrong secrets since the last right one.
        package var failures: Int
        package var lastFailure: Timestamp
        /// Until when no secret is looked at; nil: it is.
        package var closedUntil: Timestamp?
        /// When the user last gave a right secret from there.
        package var lastSuccess: Timestamp?

        package init(
            _ factor: Factor, of user: String, at network: String, failures: Int = 0, lastFailure: Timestamp,
            closedUntil: Timestamp? = nil, lastSuccess: Timestamp? = nil
        ) {
            self.factor = factor
            self.user = user
            self.network = network
            self.failures = failures
            self.lastFailure = lastFailure
            self.closedUntil = closedUntil
            self.lastSuccess = lastSuccess
        }

        fileprivate init(_ key: Key, lastFailure: Timestamp, lastSuccess: Timestamp? = nil) {
            self.init(
                key.factor, of: key.user, at: key.network, lastFailure: lastFailure, lastSuccess: lastSuccess)
        }

        fileprivate var key: Key { Key(factor: factor, user: user, network: network) }

        /// Whether no secret is looked at.
        package func isClosed(at time: Timestamp) -> Bool { remaining(at: time) != nil }

        /// nil also for more than there ever is: the clock was set back, which must not keep anybody out.
        fileprivate func remaining(at time: Timestamp) -> Duration? {
            guard let closedUntil, time < closedUntil else { return nil }
            let rest = Duration.milliseconds(closedUntil.milliseconds - time.milliseconds)
            return rest <= longestPause ? rest : nil
        }
    }

    /// Which secrets are meant.
    package struct Key: Hashable, Sendable {
        package let factor: Factor
        package let user: String
        package let network: String
    }

    /// Wrong secrets without a pause, and how long the first pause is; each further one is twice as long.
    private static let freeFailures = 3
    private static let firstPause = Duration.seconds(10)
    /// The same for all networks together: people who travel mistype, too.
    private static let freeFailuresEverywhere = 20
    /// Failures are forgotten so long after the last one, and where somebody came from.
    private static let memory = Duration.seconds(86_400)
    private static let longMemory = Duration.seconds(90 * 86_400)
    /// Records at the most: names and addresses are the peers' choice.
    private static let capacity = 10_000
    /// A longer name, in bytes, is nobody's.
    private static let nameLimit = 100
    /// For all networks.
    private static let everywhere = ""

    private var records: [Key: Record] = [:]
    /// What has changed since `takeChanges`.
    private var changed: Set<Key> = []

    package init() {}

    /// Goes on with what `records(of:)` gave.
    package init(_ records: [Record]) {
        for record in records.prefix(Self.capacity) {
            self.records[record.key] = record
        }
    }

    /// Counts an attempt as failed, unless it may not be made at all.
    ///
    /// - Parameter user: the name as the peer gave it, also that of nobody.
    package mutating func admit(
        _ factor: Factor, of user: String, from address: String, at time: Timestamp
    ) -> Admission {
        let here = key(factor, user, Network.ofCustomer(at: address))
        let everywhere = key(factor, user, Self.everywhere)
        if let wait = current(here, at: time)?.remaining(at: time) { return .refused(for: wait) }
        // Known before, by a right secret: then only what was done there counts.
        let isKnown = current(here, at: time)?.lastSuccess != nil
        if !isKnown, let wait = current(everywhere, at: time)?.remaining(at: time) {
            return .refused(for: wait)
        }
        let first = note(here, free: Self.freeFailures, at: time)
        let second = isKnown ? nil : note(everywhere, free: Self.freeFailuresEverywhere, at: time)
        return .admitted(closing: [first, second].compactMap(\.self).max())
    }

    /// Whether an attempt would be refused now; nothing is counted.
    package func isClosed(_ factor: Factor, of user: String, from address: String, at time: Timestamp) -> Bool
    {
        let here = current(key(factor, user, Network.ofCustomer(at: address)), at: time)
        if here?.isClosed(at: time) ?? false { return true }
        guard here?.lastSuccess == nil else { return false }
        return current(key(factor, user, Self.everywhere), at: time)?.isClosed(at: time) ?? false
    }

    /// Takes the attempt back: the secret was right.
    package mutating func noteSuccess(
        _ factor: Factor, of user: String, from address: String, at time: Timestamp
    ) {
        let here = key(factor, user, Network.ofCustomer(at: address))
        let wasKnown = current(here, at: time)?.lastSuccess != nil
        records[here] = Record(here, lastFailure: time, lastSuccess: time)
        changed.insert(here)
        // The others' failures stay: whoever guesses must not be set free by the user's own login.
        guard !wasKnown else { return }
        let everywhere = key(factor, user, Self.everywhere)
        if var record = records[everywhere] {
            record.failures = max(0, record.failures - 1)
            if record.failures < Self.freeFailuresEverywhere { record.closedUntil = nil }
            records[everywhere] = record
            changed.insert(everywhere)
        }
    }

    /// Forgets the failures of a user; where they come from stays.
    package mutating func clear(user: String) {
        for (key, record) in records where key.user == user {
            var record = record
            record.failures = 0
            record.closedUntil = nil
            records[key] = record.lastSuccess == nil ? nil : record
            changed.insert(key)
        }
    }

    /// What is known of a user, by network; the first is that of all networks, where there is one.
    package func records(of user: String, at time: Timestamp) -> [Record] {
        records.keys.filter { $0.user == user }.compactMap { current($0, at: time) }
            .sorted { ($0.network, $0.factor.rawValue) < ($1.network, $1.factor.rawValue) }
    }

    /// What has to be kept, and what not any more, since the last call.
    package mutating func takeChanges() -> (kept: [Record], dropped: [Key]) {
        defer { changed = [] }
        return (changed.compactMap { records[$0] }, changed.filter { records[$0] == nil })
    }

    private func key(_ factor: Factor, _ user: String, _ network: String) -> Key {
        Key(
            factor: factor, user: String(decoding: user.utf8.prefix(Self.nameLimit), as: UTF8.self),
            network: network)
    }

    /// A record without what is forgotten; nil: nothing is left of it.
    private func current(_ key: Key, at time: Timestamp) -> Record? {
        guard var record = records[key] else { return nil }
        if record.lastFailure + Self.memory <= time, record.remaining(at: time) == nil {
            record.failures = 0
            record.closedUntil = nil
        }
        if let success = record.lastSuccess, success + Self.longMemory <= time { record.lastSuccess = nil }
        return record.failures == 0 && record.lastSuccess == nil ? nil : record
    }

    /// Counts a failure.
    ///
    /// - Returns: how long the door is closed from now on.
    private mutating func note(_ key: Key, free: Int, at time: Timestamp) -> Duration? {
        if records[key] == nil, records.count >= Self.capacity { makeRoom(at: time) }
        var record =
            current(key, at: time) ?? Record(key, lastFailure: time)
        record.failures += 1
        record.lastFailure = time
        var pause: Duration?
        if record.failures >= free {
            let doublings = min(record.failures - free, 10)
            let length = min(Self.firstPause * (1 << doublings), longestPause)
            record.closedUntil = time + length
            pause = length
        }
        records[key] = record
        changed.insert(key)
        return pause
    }

    /// Makes room: what is old goes first, then what has the fewest failures; a closed door goes last, and before it where people
    /// came from lately.
    private mutating func makeRoom(at time: Timestamp) {
        let kept = records.keys.compactMap { key in
            current(key, at: time).map { (key: key, weight: weight($0, at: time), time: $0.lastFailure) }
        }
        .sorted { ($0.weight, $0.time) > ($1.weight, $1.time) }.prefix(Self.capacity / 2)
        let dropped = Set(records.keys).subtracting(kept.map(\.key))
        for key in dropped { records[key] = nil }
        changed.formUnion(dropped)
    }

    private func weight(_ record: Record, at time: Timestamp) -> Int {
        if record.isClosed(at: time) { return 2_000_000 }
        return record.lastSuccess == nil ? min(record.failures, 999_999) : 1_000_000
    }
}

/// No door is closed for longer at a time.
private let longestPause = Duration.seconds(3_600)
