import FileEvents
import Support

/// What a spool has to remember when its segments are gone: where the chain ends, and how the last run did.
struct SpoolChain: Equatable {
    /// Of the last finished segment; 0: there is none.
    var number: UInt64 = 0
    /// SHA-256 of that segment.
    var hash = SegmentHeader.noPrevious
    /// The boot that `nextSequence` belongs to, 16 bytes.
    var boot = [UInt8](repeating: 0, count: 16)
    var nextSequence: UInt64 = 1
    /// Whether the writer said goodbye.
    var isStopped = false

    /// Nothing longer is a chain's file, in bytes.
    static let limit = 256

    var bytes: [UInt8] {
        var out = WireWriter()
        out.uint32(1)
        out.uint64(number)
        out.data(hash)
        out.data(boot)
        out.uint64(nextSequence)
        out.boolean(isStopped)
        return out.bytes
    }

    init() {}

    /// - Throws: `WireError` for anything that `bytes` does not make.
    init(_ bytes: [UInt8]) throws(WireError) {
        var input = WireReader(bytes)
        guard try input.uint32() == 1 else { throw WireError("the chain's file is of an unknown version") }
        number = try input.uint64()
        hash = try input.data()
        boot = try input.data()
        nextSequence = try input.uint64()
        isStopped = try input.boolean()
        try input.finish()
        guard hash.count == 32, boot.count == 16, nextSequence > 0 else {
            throw WireError("the chain's file holds impossible values")
        }
    }
}
