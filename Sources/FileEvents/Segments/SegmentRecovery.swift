import Digests
package import SSHKeys

/// What is left of a segment whose writer was killed: everything up to the last whole frame.
package struct SegmentRecovery: Sendable {
    package let header: SegmentHeader
    /// How much of the file is whole; what follows is a torn tail.
    package let wholeCount: Int
    package let recordCount: UInt64

    private let hash: [UInt8]
    private let whole: [UInt8]

    /// Finds the whole part of an unfinished segment.
    ///
    /// - Throws: `SegmentError` when not even the header is whole.
    package init(_ bytes: [UInt8]) throws(SegmentError) {
        let (header, length) = try SegmentHeader.read(from: bytes[...])
        self.header = header
        var (offset, records) = (length, UInt64(0))
        while offset < bytes.count, let frame = try? Frame.find(in: bytes, at: offset) {
            offset = frame.compressed.upperBound
            records += UInt64(frame.recordCount)
        }
        wholeCount = offset
        recordCount = records
        whole = Array(bytes[..<offset])
        hash = SHA256.hash(whole)
    }

    /// The sequence of the next record after this segment.
    package var nextSequence: UInt64 { header.firstSequence + recordCount }

    /// The footer to write after the whole part, and the hash of the segment with it.
    ///
    /// - Throws: `SegmentError` with code `library`.
    package func finish(_ key: PrivateKey) throws(SegmentError) -> (bytes: [UInt8], hash: [UInt8]) {
        let footer = try SegmentFooter(
            recordCount: recordCount, lastSequence: nextSequence - 1, hash: hash, key: key
        ).bytes
        return (footer, SHA256.hash(whole + footer))
    }

    /// The hash of a finished segment, as the next one's header names it.
    package static func hash(ofFinished bytes: [UInt8]) -> [UInt8] {
        SHA256.hash(bytes)
    }
}
