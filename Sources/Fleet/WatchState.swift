package import AWS
package import Support

/// Commands that are under way, and when to ask for them how. Pure: the time is a parameter.
///
/// One call lists up to fifty invocations, so what can wait is asked for together. An end stays an end, whatever comes later.
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
        /// How much longer a question may wait for others to go with it.
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
        var canWait: Bool
        var hasBegun = false
        var calledOff: MonotonicTime?
        /// When the service last said that it is still open: nothing is given up that was not asked about just then.
        var seenOpen: MonotonicTime?

        func isOpen(since moment: MonotonicTime) -> Bool { seenOpen.map { $0 >= moment } ?? false }
    }

    private static let pageSize = 50
    private let document: String
    private let timing: Timing
    private var open: [Key: Follow] = [:]
    private var ended: [Key: Outcome] = [:]
    private var failingSince: MonotonicTime?
    /// Whether the last list was of all commands: then those were asked about too that were not due yet.
    private var askedAboutAll = false

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
        let first = canWait || instanceIDs.count > 1 ? timing.firstOfMany : timing.first
        for id in instanceIDs {
            open[Key(commandID: command.id, instanceID: id)] = Follow(
                requested: command.requested ?? serverTime, sent: now, limit: limit, due: now + first,
                pause: first, canWait: canWait)
        }
    }

    /// Nothing more will be sent that these could wait for.
    package mutating func hurry(_ keys: Set<Key>) {
        for key in keys { open[key]?.canWait = false }
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
        let isLate = due.contains { now >= lastMoment(of: $0.value) }
        if isLate || due.count >= Self.pageSize {
            let filters = filters(for: due)
            askedAboutAll = filters == [filterOfAll]
            return .list(filters)
        }
        let pause = (open.values.map { lastMoment(of: $0) }.min() ?? now) - now
        // Never long: who comes in the meantime may be in more of a hurry.
        return .wait(max(.milliseconds(10), min(pause, .milliseconds(50))))
    }

    /// When it must be asked about at the latest.
    private func lastMoment(of follow: Follow) -> MonotonicTime {
        guard follow.canWait else { return follow.due }
        return follow.due + min(timing.slack, timing.delivery)
    }

    /// One list for each command, or one of all commands, whatever is fewer calls.
    private func filters(for due: [Key: Follow]) -> [InvocationFilter] {
        let commands = Set(due.keys.map(\.commandID))
        let pages = (open.count + Self.pageSize - 1) / Self.pageSize
        if commands.count <= pages { return commands.sorted().map { InvocationFilter(commandID: $0) } }
        return [filterOfAll]
    }

    private var filterOfAll: InvocationFilter {
        let first = open.values.map(\.requested).min() ?? Timestamp(milliseconds: 0)
        // The service may round to seconds, and means "later than".
        return InvocationFilter(requestedAfter: first + .seconds(-2), document: document)
    }

    /// Whether a page of a list leaves nothing open that the next one could tell about.
    package func isEnough(_ pages: [CommandInvocation]) -> Bool {
        let seen = Set(pages.map { Key(commandID: $0.commandID, instanceID: $0.instanceID) })
        return open.keys.allSatisfy { seen.contains($0) }
    }

    /// Takes in what a list says; what it does not say of those that were asked about is as before.
    package mutating func note(_ invocations: [CommandInvocation], at now: MonotonicTime) {
        failingSince = nil
        for invocation in invocations {
            let key = Key(commandID: invocation.commandID, instanceID: invocation.instanceID)
            guard var follow = open[key] else { continue }
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
        for (key, follow) in open where wasAsked(follow, at: now) { open[key]?.seenOpen = now }
        postpone(at: now)
    }

    /// A question was not answered.
    package mutating func note(_ failure: AWSError, at now: MonotonicTime) {
        let since = failingSince ?? now
        failingSince = since
        let isHopeless: Bool
        switch failure.code {
        case .unreachable, .interrupted, .serverFault, .throttled: isHopeless = now >= since + timing.outage
        default: isHopeless = true
        }
        if isHopeless {
            for key in open.keys { ended[key] = .unknown(failure) }
            open = [:]
        } else {
            postpone(at: now)
        }
    }

    private func wasAsked(_ follow: Follow, at now: MonotonicTime) -> Bool {
        askedAboutAll || now >= follow.due
    }

    private mutating func postpone(at now: MonotonicTime) {
        for (key, follow) in open where wasAsked(follow, at: now) {
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
