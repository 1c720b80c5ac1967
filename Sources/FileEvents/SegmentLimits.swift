/// What no segment passes, so that reading one costs a known amount of memory. Sizes are in bytes.
package enum SegmentLimits {
    /// A segment's file.
    package static let fileSize = 12 << 20
    /// The contents of all frames of a segment, before compression; a writer ends the segment there.
    package static let contents = 8 << 20
    /// The contents of one frame, before compression.
    package static let frame = 1 << 20
    /// A writer ends a frame here.
    package static let frameTarget = 64 << 10
    /// A path, and the text of an actor or a header.
    package static let path = 32_768
    /// The ACL of a directory.
    package static let accessList = 8_192
    /// A name in a directory.
    package static let name = 255
    /// All paths and actors that a segment defines.
    package static let definitions = 16 << 20
    /// Microseconds since 1970 that a clock may show: some 285 years. In nanoseconds they fit 64 bits, too.
    package static let times: ClosedRange<Int64> = 0...(1 << 53)
    /// No file is longer, in bytes, or takes more units of 512 bytes.
    package static let length: UInt64 = 1 << 63 - 1
}
