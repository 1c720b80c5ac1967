package import AWS
package import Support

/// Commands that are under way, and when to ask for them how. Pure: the time is a parameter.
///
/// One call lists up to fifty invocations, so a question is worth its call when fifty may have ended, when that is so of all
/// that are under way, or when something has waited for others as long as it may. An end stays an end, whatever comes later.
package struct WatchState: Sendable {
    /// How patient it is.
    package struct Timing: Sendable {
        /// How long an agent may take to fetch a command.
        package var delivery = Duration.seconds(30)
        /// From sending to the first question, for who waits and for who does not.
        package var first = Duration.milliseconds(300)
        package var firstOfMany = Duration.milliseconds(1_500)
        /// The longest time between two questions about a command; it grows to that by half each time.
        package var longest = Duration.seconds(5)
        /// How much longer a question may wait for others to go with it while more is sent.
        package var slack = Duration.seconds(8)
        /// How long the end may take to show after the command was called off, or after it must be over.
        package var grace = Duration.seconds(15)
        /// How long the service may fail to answer.
        package var outage = Duration.seconds(60)
        /// How long the list may take to show a command of which the service's answer was lost: from look to look.
        package var looks: [Duration] = [.seconds(1), .seconds(3)]

        package init() {}
    }

    package struct Key: Hashable, Sendable {
        package let commandID: String
        package let instanceID: String

        package init(commandID: String, instanceID: String) {
            self.commandID = commandID
            self.instanceID = instanceID
        }
    }

    package enum Outcome: Equatable, Sendable {
        case ended(CommandInvocation)
        /// The agent never fetched it, and will not: it has been called off.
        case notFetched
        /// It began, and nobody knows how it ended.
        case lost
        /// The service cannot be asked.
        case unknown(AWSError)
    }

    package enum Step: Equatable, Sendable {
        case list([InvocationFilter])
        case cancel(commandID: String, instanceIDs: [String])
        /// There may be something to do then.
        case wait(Duration)
        /// Nothing is under way.
        case idle
    }

    private struct Follow: Sendable {
        let requested: Timestamp
        let sent: MonotonicTime
        let limit: Duration
        var due: MonotonicTime
        var pause: Duration
        /// From the time it is due: how long it may wait for others to be asked about with it.
        var patience: Duration
        /// Whether more is on its way.
        var isJoined: Bool
        var hasBegun = false
        var calledOff: MonotonicTime?
        /// When the service last said that it is still open: nothing is given up that was not asked about just then.
        var seenOpen: MonotonicTime?
        /// Since when no list that was to tell of it was answered.
        var failingSince: MonotonicTime?

        func isOpen(since moment: MonotonicTime) -> Bool { seenOpen.map { $0 >= moment } ?? false }

        /// When it must be asked about at the latest.
        var lastMoment: MonotonicTime { due + patience }
    }

    private static let pageSize = 50
    private let document: String
    private let timing: Timing
    private var open: [Key: Follow] = [:]
    private var ended: [Key: Outcome] = [:]
    /// What the lists under way are to tell of.
    private var asked: Set<Key> = []
    /// How many invocations there are of when, back to the oldest that is open: so many does a list of all tell of.
    private var sent: [(requested: Timestamp, count: Int)] = []

    package init(document: String, timing: Timing) {
        self.document = document
        self.timing = timing
    }

    /// Follows a command that was sent just now.
    ///
    /// - Parameters:
    ///   - limit: how long it may run.
    ///   - canWait: others are on their way that can be asked for together with it, until `hurry`.
    package mutating func follow(
        _ command: RunCommand, on instanceIDs: [String], limit: Duration, canWait: Bool,
        at now: MonotonicTime,
        serverTime: Timestamp
    ) {
        let isOne = !canWait && instanceIDs.count == 1
        let first = isOne ? timing.first : timing.firstOfMany
        let patience = canWait ? min(timing.slack, timing.delivery) : isOne ? .zero : timing.firstOfMany
        let requested = command.requested ?? serverTime
        sent.append((requested, instanceIDs.count))
        for id in instanceIDs {
            open[Key(commandID: command.id, instanceID: id)] = Follow(
                requested: requested, sent: now, limit: limit, due: now + first, pause: first,
                patience: patience, isJoined: canWait)
        }
    }

    /// Nothing more will be sent that these could wait for.
    package mutating func hurry(_ keys: Set<Key>, at now: MonotonicTime) {
        for key in keys {
            guard var follow = open[key] else { continue }
            follow.isJoined = false
            follow.patience = timing.firstOfMany
            // Those that were sent last are due soon: one question does for all.
            follow.due = max(follow.due, now)
            open[key] = follow
        }
    }

    /// What came of those that have ended; each is told once.
    package mutating func take(_ keys: Set<Key>) -> [Key: Outcome] {
        let found = ended.filter { keys.contains($0.key) }
        for key in found.keys { ended[key] = nil }
        return found
    }

    /// What to do now.
    package mutating func next(at now: MonotonicTime) -> Step {
        giveUp(at: now)
        if open.isEmpty { return .idle }
        let silent = open.filter {
            !$0.value.hasBegun && $0.value.calledOff == nil
                && $0.value.isOpen(since: $0.value.sent + timing.delivery)
        }
        if let command = silent.keys.map(\.commandID).min() {
            let keys = silent.keys.filter { $0.commandID == command }.prefix(Self.pageSize)
            for key in keys {
                open[key]?.calledOff = now
                open[key]?.pause = timing.first
                open[key]?.due = now + timing.first
            }
            return .cancel(commandID: command, instanceIDs: keys.map(\.instanceID).sorted())
        }
        let due = open.filter { now >= $0.value.due }
        let isWorthIt =
            due.count >= Self.pageSize || due.contains { now >= $0.value.lastMoment }
            || (due.count == open.count && !open.contains { $0.value.isJoined })
        if isWorthIt {
            asked = Set(due.keys)
            return .list(filters(for: due))
        }
        let pause = (open.values.map(\.lastMoment).min() ?? now) - now
        // Never long: who comes in the meantime may be in more of a hurry.
        return .wait(max(.milliseconds(10), min(pause, .milliseconds(50))))
    }

    /// A list for each of the oldest commands, and one of all since: as many of either as makes the fewest calls.
    ///
    /// So one that takes long does not make every list reach back to it.
    private mutating func filters(for due: [Key: Follow]) -> [InvocationFilter] {
        let oldest = open.values.map(\.requested).min() ?? Timestamp(milliseconds: 0)
        sent.removeAll { $0.requested < oldest }
        let commands = Dictionary(due.map { ($0.key.commandID, $0.value.requested) }) { first, _ in first }
            .sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        let tellsOfOthers = open.count > due.count
        var (apart, calls) = (commands.count, commands.count)
        for number in commands.indices.reversed() {
            let count = sent.reduce(0) { $1.requested >= commands[number].value ? $0 + $1.count : $0 }
            let cost = number + (count + Self.pageSize - 1) / Self.pageSize
            if cost < calls || (cost == calls && tellsOfOthers) { (apart, calls) = (number, cost) }
        }
        var filters = commands.prefix(apart).map { InvocationFilter(commandID: $0.key) }
        if apart < commands.count {
            // The service may round to seconds, and means "later than".
            let start = commands[apart].value + .seconds(-2)
            filters.append(InvocationFilter(requestedAfter: start, document: document))
        }
        return filters
    }

    private func isTold(_ key: Key, by filter: InvocationFilter) -> Bool {
        if let command = filter.commandID { return key.commandID == command }
        guard let follow = open[key], let start = filter.requestedAfter else { return false }
        return follow.requested >= start + .seconds(2)
    }

    /// Whether the next page of a list could tell nothing that was asked.
    package func isEnough(_ pages: [CommandInvocation], of filter: InvocationFilter) -> Bool {
        let seen = Set(pages.map { Key(commandID: $0.commandID, instanceID: $0.instanceID) })
        return asked.allSatisfy { seen.contains($0) || open[$0] == nil || !isTold($0, by: filter) }
    }

    /// Takes in what a list says; what it does not say of those that were asked about is as before.
    package mutating func note(
        _ invocations: [CommandInvocation], of filter: InvocationFilter, at now: MonotonicTime
    ) {
        var told = asked.filter { isTold($0, by: filter) }
        for invocation in invocations {
            let key = Key(commandID: invocation.commandID, instanceID: invocation.instanceID)
            guard var follow = open[key] else { continue }
            told.insert(key)
            if invocation.state.isFinal {
                open[key] = nil
                let wasNeverThere =
                    invocation.state == .cancelled && !follow.hasBegun
                    && invocation.exitStatus == nil
                ended[key] = wasNeverThere ? .notFetched : .ended(invocation)
            } else if invocation.state == .running || invocation.state == .cancelling {
                follow.hasBegun = true
                open[key] = follow
            }
        }
        for key in told {
            open[key]?.seenOpen = now
            open[key]?.failingSince = nil
        }
        postpone(told, at: now)
    }

    /// A question was not answered: what it was to tell of is given up when that stays so. Of the rest it says nothing.
    package mutating func note(
        _ failure: AWSError, of filter: InvocationFilter, at now: MonotonicTime
    ) {
        let patience: Duration
        switch failure.code {
        case .unreachable, .interrupted, .serverFault, .throttled: patience = timing.outage
        default: patience = .zero
        }
        let untold = asked.filter { isTold($0, by: filter) }
        for key in untold {
            guard let follow = open[key] else { continue }
            let since = follow.failingSince ?? now
            open[key]?.failingSince = since
            if now >= since + patience {
                open[key] = nil
                ended[key] = .unknown(failure)
            }
        }
        postpone(untold, at: now)
    }

    private mutating func postpone(_ keys: Set<Key>, at now: MonotonicTime) {
        for key in keys {
            guard let follow = open[key] else { continue }
            open[key]?.pause = min(follow.pause * 1.5, timing.longest)
            open[key]?.due = now + follow.pause
        }
    }

    private mutating func giveUp(at now: MonotonicTime) {
        for (key, follow) in open {
            let isForgotten: Bool
            if follow.hasBegun {
                isForgotten = follow.isOpen(
                    since: follow.sent + timing.delivery + follow.limit + timing.grace)
            } else {
                isForgotten = follow.calledOff.map { follow.isOpen(since: $0 + timing.grace) } ?? false
            }
            if isForgotten {
                open[key] = nil
                ended[key] = .lost
            }
        }
    }
}
