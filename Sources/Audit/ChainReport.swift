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
    /// How many events were looked at, and their ids.
    package var count = 0
    package var first: Int64 = 0
    package var last: Int64 = 0
    /// How many checkpoints were looked at, and the event of the newest that is right.
    package var checkpoints = 0
    package var lastCheckpoint: Int64 = 0
    /// In the order of events; no more than `limit`.
    package var problems: [ChainProblem] = []

    package init(
        count: Int = 0, first: Int64 = 0, last: Int64 = 0, checkpoints: Int = 0, lastCheckpoint: Int64 = 0,
        problems: [ChainProblem] = []
    ) {
        self.count = count
        self.first = first
        self.last = last
        self.checkpoints = checkpoints
        self.lastCheckpoint = lastCheckpoint
        self.problems = problems
    }

    /// Of a log in which nothing is right, more help nobody.
    static let limit = 100

    mutating func note(_ problem: ChainProblem) {
        if problems.count < Self.limit, !problems.contains(problem) { problems.append(problem) }
    }
}
