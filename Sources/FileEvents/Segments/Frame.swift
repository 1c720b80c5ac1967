import Support

/// The envelope of a frame: lengths, number of records, checksum, and the compressed columns.
struct Frame {
    static let tag: UInt8 = 0x46
    /// Tag, compressed length, length, record count, checksum.
    static let headerLength = 1 + 4 * 4

    var contents: [UInt8]
    var recordCount: Int

    func bytes() throws(SegmentError) -> [UInt8] {
        let compressed = try Compression.compress(contents)
        var out = WireWriter()
        out.byte(Self.tag)
        out.uint32(UInt32(compressed.count))
        out.uint32(UInt32(contents.count))
        out.uint32(UInt32(recordCount))
        out.uint32(Checksum.crc32c(out.bytes + compressed))
        out.raw(compressed)
        return out.bytes
    }

    /// Where a frame lies in a segment.
    struct Place {
        var contentsCount: Int
        var recordCount: Int
        var compressed: Range<Int>
    }

    /// Finds the frame that starts at `offset` and checks lengths and checksum.
    ///
    /// - Throws: `SegmentError`: `truncated` when it is cut off, `malformed`, `forged` when the checksum is wrong.
    static func find(in bytes: [UInt8], at offset: Int) throws(SegmentError) -> Place {
        guard bytes.count - offset >= headerLength else {
            throw SegmentError(.truncated, "the segment ends within a frame")
        }
        guard bytes[offset] == tag else { throw SegmentError(.malformed, "something that is no frame") }
        func field(_ index: Int) -> Int {
            let start = offset + 1 + 4 * index
            return bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let (compressedCount, contentsCount, recordCount) = (field(0), field(1), field(2))
        guard compressedCount <= 2 * SegmentLimits.frame, contentsCount <= SegmentLimits.frame,
            recordCount <= contentsCount
        else { throw SegmentError(.malformed, "a frame is too long") }
        let start = offset + headerLength
        guard compressedCount <= bytes.count - start else {
            throw SegmentError(.truncated, "the segment ends within a frame")
        }
        let compressed = start..<start + compressedCount
        let checked = Array(bytes[offset..<start - 4]) + bytes[compressed]
        guard Checksum.crc32c(checked) == UInt32(truncatingIfNeeded: field(3)) else {
            throw SegmentError(.forged, "the checksum of a frame is wrong")
        }
        return Place(contentsCount: contentsCount, recordCount: recordCount, compressed: compressed)
    }
}
