/// Anything a host tells the gateway.
package enum Record: Hashable, Sendable {
    case event(FileEvent)
    case gap(Gap)
    case directory(DirectoryReport)
    case scan(ScanReport)
    case coverage(Coverage)
}

extension Record {
    /// The root of the tree that it is about; nil: all trees of the host.
    package var tree: [UInt8]? {
        switch self {
        case .event(let event): event.tree
        case .gap(let gap): gap.tree
        case .directory(let report): report.tree
        case .scan(let report): report.tree
        case .coverage(let coverage): coverage.tree
        }
    }
}

/// A record with its place in the stream.
package struct SequencedRecord: Hashable, Sendable {
    /// From 1 in each (host, boot, stream), without holes.
    package var sequence: UInt64
    package var record: Record

    package init(sequence: UInt64, record: Record) {
        self.sequence = sequence
        self.record = record
    }
}
