import Digests
package import SSHKeys

/// A finished segment, proven to be what the host's key signed; its records are read frame by frame.
///
/// Costs the segment's bytes and one frame at a time, whatever the bytes are.
package struct SegmentReader: Sendable {
    package let header: SegmentHeader
    package let footer: SegmentFooter
    /// SHA-256 of the whole segment: what the next one's header must say.
    package let hash: [UInt8]

    private let bytes: [UInt8]
    private let end: Int
    private var offset: Int
    private var decoder = FrameDecoder()
    private var sequence: UInt64
    private var contentsCount = 0

    /// Checks form, hash and signature of a whole segment. Whether it follows the one before is for the caller to
    /// compare (`header.previous`, `header.number`, `header.firstSequence`).
    ///
    /// - Throws: `SegmentError`.
    package init(_ bytes: [UInt8], signedBy key: PublicKey) throws(SegmentError) {
        guard bytes.count <= SegmentLimits.fileSize else {
            throw SegmentError(.tooLarge, "the segment is of \(bytes.count) bytes")
        }
        let (header, length) = try SegmentHeader.read(from: bytes[...])
        end = bytes.count - SegmentFooter.length
        guard end >= length else { throw SegmentError(.truncated, "the segment has no footer") }
        footer = try SegmentFooter(bytes: Array(bytes[end...]))
        guard footer.hash == SHA256.hash(Array(bytes[..<end])) else {
            throw SegmentError(.forged, "the segment's hash is wrong")
        }
        guard footer.isSigned(by: key) else {
            throw SegmentError(.forged, "the segment is not signed by the host's key")
        }
        hash = SHA256.hash(bytes)
        self.header = header
        self.bytes = bytes
        offset = length
        sequence = header.firstSequence
        guard footer.recordCount <= UInt64(SegmentLimits.contents),
            footer.lastSequence == header.firstSequence + footer.recordCount - 1
        else { throw SegmentError(.malformed, "the footer does not fit the header") }
    }

    /// The records of the next frame; nil after the last.
    ///
    /// - Throws: `SegmentError`; what was read before is to be dropped then.
    package mutating func next() throws(SegmentError) -> [SequencedRecord]? {
        if offset == end {
            guard sequence == footer.lastSequence + 1 else {
                throw SegmentError(.malformed, "the segment has another number of records than it says")
            }
            return nil
        }
        let frame = try Frame.find(in: bytes, at: offset)
        guard frame.compressed.upperBound <= end else {
            throw SegmentError(.malformed, "a frame reaches into the footer")
        }
        contentsCount += frame.contentsCount
        guard contentsCount <= SegmentLimits.contents else {
            throw SegmentError(.tooLarge, "the segment unpacks to too much")
        }
        let contents = try Compression.decompress(Array(bytes[frame.compressed]), count: frame.contentsCount)
        let records = try decoder.decode(contents, recordCount: frame.recordCount)
        for record in records { try record.check() }
        offset = frame.compressed.upperBound
        defer { sequence += UInt64(records.count) }
        return records.enumerated().map { index, record in
            SequencedRecord(sequence: sequence + UInt64(index), record: record)
        }
    }
}
