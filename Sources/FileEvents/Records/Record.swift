/// Anything a host tells the gateway.
package enum Record: Hashable, Sendable {
    case event(FileEvent)
    case gap(Gap)
    case directory(DirectoryReport)
    case scan(ScanReport)
    case coverage(Coverage)
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
