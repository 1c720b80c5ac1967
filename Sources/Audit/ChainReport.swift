/// Something that is not as it was written.
package enum ChainProblem: Equatable, Sendable {
    /// The event does not say what it said when it was noted, or was never noted.
    case changed(Int64)
    /// The event that stands here was noted as another one.
    case moved(Int64, from: Int64)
    /// Events are gone after the first and before the second.
    case removed(after: Int64, before: Int64)
    /// The newest events are gone: there were as many as the second.
    case cut(after: Int64, of: Int64)
    /// A checkpoint says that this event was another one, or there.
    case contradicted(Int64)
    /// A checkpoint of this event is not signed by the gateway's key.
    case unsigned(Int64)
}

/// What checking the chain has found.
package struct ChainReport: Equatable, Sendable {
    /// Of a log in which nothing is right, more of a kind help nobody.
    private static let limit = 100

    /// How many events were looked at, and their ids.
    package var count: Int
    package var first: Int64
    package var last: Int64
    /// How many checkpoints of this gateway were looked at, and the event of the newest that is right.
    package var checkpoints: Int
    package var lastCheckpoint: Int64
    /// Checkpoints kept elsewhere that are another gateway's, or nobody's.
    package var foreign: Int
    /// Problems that are too many to be named.
    package private(set) var unnamed = 0
    private var ofEvents: [ChainProblem] = []
    private var ofCheckpoints: [ChainProblem] = []

    package init(
        count: Int = 0, first: Int64 = 0, last: Int64 = 0, checkpoints: Int = 0, lastCheckpoint: Int64 = 0,
        foreign: Int = 0
    ) {
        self.count = count
        self.first = first
        self.last = last
        self.checkpoints = checkpoints
        self.lastCheckpoint = lastCheckpoint
        self.foreign = foreign
    }

    /// Those of events in their order, then those of checkpoints; no more than 100 of each.
    package var problems: [ChainProblem] { ofEvents + ofCheckpoints }

    /// Whether no more problems of events are named.
    var isFull: Bool { ofEvents.count >= Self.limit }

    mutating func note(_ problem: ChainProblem) { Self.add(problem, to: &ofEvents, or: &unnamed) }

    mutating func note(checkpoint problem: ChainProblem) {
        Self.add(problem, to: &ofCheckpoints, or: &unnamed)
    }

    private static func add(_ problem: ChainProblem, to list: inout [ChainProblem], or unnamed: inout Int) {
        if list.contains(problem) { return }
        if list.count < limit { list.append(problem) } else { unnamed += 1 }
    }
}
