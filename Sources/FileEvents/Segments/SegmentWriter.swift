import Digests
package import SSHKeys
import Support

/// Makes a segment's bytes: `start`, then any number of frames, then `finish`. Writes nothing itself.
///
/// A segment that was never finished is read up to its last whole frame by `SegmentRecovery`.
package struct SegmentWriter: ~Copyable {
    package let header: SegmentHeader

    private var encoder = FrameEncoder()
    private var digest: SHA256
    private var contentsCount = 0
    private var fileCount: Int
    private var recordCount: UInt64 = 0

    /// What the file begins with.
    package let start: [UInt8]

    package init(_ header: SegmentHeader) {
        self.header = header
        start = header.bytes
        fileCount = start.count
        digest = SHA256()
        digest.update(start)
    }

    /// The sequence of the record that is appended next.
    package var nextSequence: UInt64 { header.firstSequence + recordCount }

    /// Whether there is no record at all.
    package var isEmpty: Bool { recordCount == 0 }

    /// Whether records wait for `takeFrame`.
    package var hasPendingRecords: Bool { !encoder.isEmpty }

    /// Whether it is time for `takeFrame`.
    package var frameIsFull: Bool { encoder.byteCount >= SegmentLimits.frameTarget }

    /// Whether it is time for `finish`: what comes next goes into a new segment.
    package var isFull: Bool {
        contentsCount + encoder.byteCount >= SegmentLimits.contents - SegmentLimits.frame
            || fileCount + encoder.byteCount >= SegmentLimits.fileSize - 2 * SegmentLimits.frame
            || encoder.definedBytes >= SegmentLimits.definitions
    }

    /// Adds a record. Names must be at most 255 bytes and paths `SegmentLimits.path`.
    package mutating func append(_ record: Record) {
        encoder.append(record)
        recordCount += 1
    }

    /// The bytes of the next frame; empty when no record waits.
    ///
    /// - Throws: `SegmentError` with code `library`.
    package mutating func takeFrame() throws(SegmentError) -> [UInt8] {
        if encoder.isEmpty { return [] }
        let count = encoder.recordCount
        let contents = encoder.takeFrame()
        contentsCount += contents.count
        let frame = Frame(contents: contents, recordCount: count)
        let bytes = try frame.bytes()
        fileCount += bytes.count
        digest.update(bytes)
        return bytes
    }

    /// The rest of the file, and the hash of the whole segment for the next one's header.
    ///
    /// - Throws: `SegmentError` with code `library`.
    package mutating func finish(_ key: PrivateKey) throws(SegmentError) -> (bytes: [UInt8], hash: [UInt8]) {
        let frame = try takeFrame()
        let footer = try SegmentFooter(
            recordCount: recordCount, lastSequence: nextSequence - 1, hash: digest.value(), key: key
        ).bytes
        digest.update(footer)
        return (frame + footer, digest.value())
    }
}
