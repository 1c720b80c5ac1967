import Support

/// What stands at the start of a segment.
package struct SegmentHeader: Hashable, Sendable {
    /// Independent chains of one host, so that two programs never write one file.
    package enum Stream: UInt8, Sendable, CaseIterable {
        /// Written by the collector.
        case events
        /// Written by scans.
        case scans
    }

    /// The host's name in the directory.
    package var host: String
    /// The kernel's boot identifier, 16 bytes.
    package var boot: [UInt8]
    package var stream: Stream
    /// The segment's number in its stream, from 1; goes on over restarts and reboots.
    package var number: UInt64
    /// Of the first record; they count from 1 in each (host, boot, stream).
    package var firstSequence: UInt64
    /// SHA-256 of the segment before, all its bytes; 32 zeros for the first.
    package var previous: [UInt8]
    /// When the segment was begun, in microseconds since 1970.
    package var created: Int64

    /// What stands before the first segment of a stream.
    package static let noPrevious = [UInt8](repeating: 0, count: 32)

    package init(
        host: String, boot: [UInt8], stream: Stream, number: UInt64, firstSequence: UInt64, previous: [UInt8],
        created: Int64
    ) {
        self.host = host
        self.boot = boot
        self.stream = stream
        self.number = number
        self.firstSequence = firstSequence
        self.previous = previous
        self.created = created
    }
}

extension SegmentHeader {
    private static let magic = Array("GHSEGMNT".utf8)
    private static let version: UInt32 = 2
    /// No header is longer, in bytes.
    private static let limit: UInt32 = 1_024

    /// The header as it stands in the file.
    var bytes: [UInt8] {
        var body = WireWriter()
        body.uint32(Self.version)
        body.string(host)
        body.data(boot)
        body.byte(stream.rawValue)
        body.uint64(number)
        body.uint64(firstSequence)
        body.data(previous)
        body.uint64(UInt64(bitPattern: created))
        var all = WireWriter()
        all.raw(Self.magic)
        all.data(body.bytes)
        return all.bytes
    }

    /// Reads the header at the start of a segment; `length` is what it takes.
    ///
    /// - Throws: `SegmentError`: `truncated`, `malformed`, `unknownVersion`.
    package static func read(from bytes: ArraySlice<UInt8>) throws(SegmentError) -> (
        header: SegmentHeader, length: Int
    ) {
        let start = Array(bytes.prefix(magic.count + 4 + Int(limit)))
        guard start.count >= magic.count + 4 else {
            throw SegmentError(.truncated, "the segment ends within its header")
        }
        guard start.starts(with: magic) else { throw SegmentError(.malformed, "this is not a segment") }
        let count = start[magic.count..<magic.count + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard count <= limit else { throw SegmentError(.malformed, "the header is too long") }
        let length = magic.count + 4 + Int(count)
        guard start.count >= length else {
            throw SegmentError(.truncated, "the segment ends within its header")
        }
        do {
            return (try SegmentHeader(body: Array(start[magic.count + 4..<length])), length)
        } catch let error as SegmentError {
            throw error
        } catch {
            throw SegmentError(.malformed, "the header is damaged: \(error)")
        }
    }

    private init(body: [UInt8]) throws {
        var input = WireReader(body)
        let version = try input.uint32()
        guard version == Self.version else {
            throw SegmentError(
                .unknownVersion, "the segment is of version \(version), \(Self.version) is known")
        }
        host = try input.string()
        boot = try input.data()
        guard let stream = Stream(rawValue: try input.byte()) else {
            throw SegmentError(.malformed, "the segment is of an unknown stream")
        }
        self.stream = stream
        number = try input.uint64()
        firstSequence = try input.uint64()
        previous = try input.data()
        created = Int64(bitPattern: try input.uint64())
        try input.finish()
        guard boot.count == 16, previous.count == 32, number > 0, firstSequence > 0,
            firstSequence < UInt64.max / 4, SegmentLimits.times.contains(created),
            (1...255).contains(host.utf8.count)
        else { throw SegmentError(.malformed, "the header holds impossible values") }
    }
}
