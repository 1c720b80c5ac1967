import Support

/// Takes what hosts deliver; the book behind the door.
protocol SegmentSink: Sendable {
    /// Checks a segment's form, signature and place in its chain, and takes all of it or nothing.
    ///
    /// - Parameters:
    ///   - keyBlob: the key of the host's watcher.
    ///   - acceptingHole: the host says that what comes before it is lost.
    /// - Throws: `DamagedSegment`; anything else means that it cannot be taken now.
    func take(
        _ bytes: [UInt8], from host: String, signedBy keyBlob: [UInt8], acceptingHole: Bool
    ) throws -> SegmentOutcome

    /// When a segment of the host was taken last; nil: never.
    func lastDelivery(of host: String) throws -> Timestamp?

    /// The trees that a host walks and in which something was missed since, by path; true: what was told before is lost.
    func treesToWalk(by host: String) throws -> [String: Bool]

    /// Notes that nothing was heard of a host from one moment to another; the same beginning again makes it longer.
    func noteSilence(of host: String, from start: Timestamp, until end: Timestamp) throws
}

/// What became of a segment.
enum SegmentOutcome: Equatable, Sendable {
    ///
    /// - hasGaps: the host says in it that it missed something.
    /// - strangers: how many records were left out, since they are about trees that the host does not have.
    case taken(events: Int, hasGaps: Bool, strangers: Int)
    /// It was taken before; nothing has changed.
    case repeated
    /// What comes before it was not taken.
    case outOfOrder
}

/// A segment that is not what the watcher of the host sealed.
struct DamagedSegment: Error, Equatable, CustomStringConvertible {
    let description: String
}
