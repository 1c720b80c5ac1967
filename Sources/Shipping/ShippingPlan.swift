package import Control
package import Support

/// What to send to the gateway next, and what its answers mean. Pure: spool and time are parameters.
package struct ShippingPlan: Sendable {
    package enum Action: Equatable, Sendable {
        case send(Spool.Entry, acceptsHole: Bool)
        case sendStatus
        case remove(Spool.Entry)
        case putAside(Spool.Entry)
        case rescan(tree: String, isWhole: Bool)
    }

    /// From one `status` to the next.
    package static let heartbeat = Duration.seconds(10)
    /// An answer that takes longer never comes.
    package static let patience = Duration.seconds(60)
    private static let firstPause = Duration.milliseconds(500)
    private static let longestPause = Duration.seconds(15)

    private var isWelcome = false
    private var inFlight: (entry: Spool.Entry, since: MonotonicTime)?
    private var lastStream: String?
    private var statusIsDue: MonotonicTime
    private var begun: MonotonicTime
    /// Segments that the gateway would not take because of what lies before them, and nothing does.
    private var orphans: Set<Spool.Entry> = []
    private var pause = Self.firstPause
    private var pausedUntil: MonotonicTime?

    /// - Parameter time: when the connection was begun.
    package init(at time: MonotonicTime) {
        begun = time
        statusIsDue = time
    }

    /// What can be done now.
    ///
    /// - Parameter entries: what waits, each stream from its oldest on; asked for only when something can be sent.
    package mutating func next(_ entries: () -> [Spool.Entry], at now: MonotonicTime) -> [Action] {
        guard isWelcome else { return [] }
        var actions: [Action] = []
        if now >= statusIsDue {
            statusIsDue = now + Self.heartbeat
            actions.append(.sendStatus)
        }
        guard inFlight == nil, pausedUntil.map({ now >= $0 }) ?? true, let entry = choose(entries()) else {
            return actions
        }
        inFlight = (entry, now)
        lastStream = entry.stream
        actions.append(.send(entry, acceptsHole: orphans.contains(entry)))
        return actions
    }

    /// The oldest of a stream; streams take turns.
    private func choose(_ entries: [Spool.Entry]) -> Spool.Entry? {
        var firsts: [Spool.Entry] = []
        for entry in entries where firsts.last?.stream != entry.stream { firsts.append(entry) }
        guard let lastStream else { return firsts.first }
        return firsts.first { $0.stream > lastStream } ?? firsts.first
    }

    /// Whether the gateway has been silent for too long.
    package func isStalled(at now: MonotonicTime) -> Bool {
        now > (inFlight?.since ?? (isWelcome ? now : begun)) + Self.patience
    }

    /// Takes what the gateway said.
    ///
    /// - Throws: `WireError` for what it cannot have said; the connection is of no use then.
    package mutating func take(
        _ message: DeliveryMessage, at now: MonotonicTime
    ) throws(WireError) -> [Action] {
        switch message {
        case .welcome:
            isWelcome = true
            return []
        case .rescan(let tree, let isWhole): return [.rescan(tree: tree, isWhole: isWhole)]
        case .taken(let name):
            let entry = try settle(name)
            orphans.remove(entry)
            pause = Self.firstPause
            return [.remove(entry)]
        case .refused(let name, let refusal, _):
            let entry = try settle(name)
            switch refusal {
            case .damaged:
                pause = Self.firstPause
                return [.putAside(entry)]
            case .outOfOrder where !orphans.contains(entry):
                // Nothing older waits: what should come before it is lost.
                orphans.insert(entry)
                return []
            case .later, .outOfOrder:
                pausedUntil = now + pause
                pause = min(pause * 2, Self.longestPause)
                return []
            }
        case .hello, .segment, .status, .load: throw WireError("the gateway said what only a host says")
        }
    }

    private mutating func settle(_ name: String) throws(WireError) -> Spool.Entry {
        guard let (entry, _) = inFlight, entry.name == name else {
            throw WireError("the gateway answered what was not asked")
        }
        inFlight = nil
        return entry
    }
}
