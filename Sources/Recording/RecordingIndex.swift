package import Support

/// The end of a finished recording: where its frames begin, and what is in it. A zstd frame to be skipped, which other programs pass over.
///
/// `uint32` 0x184D2A5E and the length of what follows, both little-endian as zstd has it; then big-endian fields; at last `uint32` length of
/// those, and eight letters.
package struct RecordingIndex: Equatable, Sendable {
    /// Where a frame begins.
    package struct Frame: Equatable, Sendable {
        /// Microseconds from the recording's beginning: nothing in the frame is earlier.
        package var time: UInt64
        package var offset: UInt64
    }

    private static let letters = Array("GHINDEX1".utf8)
    private static let magic: [UInt8] = [0x5E, 0x2A, 0x4D, 0x18]
    private static let footerLength = 12
    /// No index has more.
    package static let frameLimit = 8_192

    package var frames: [Frame] = []
    /// Microseconds from the beginning to the last event.
    package var duration: UInt64 = 0
    package var outputBytes: UInt64 = 0
    package var lostBytes: UInt64 = 0
    /// As the channel said; empty: it did not.
    package var exit = ""
    /// Whether the recording goes to the end of its channel.
    package var isComplete = false

    package init() {}

    /// Notes where a frame begins; forgets every second one when there are too many.
    package mutating func add(_ frame: Frame) {
        if frames.count >= Self.frameLimit {
            frames = frames.enumerated().compactMap { $0.offset.isMultiple(of: 2) ? $0.element : nil }
        }
        frames.append(frame)
    }

    /// What stands at the end of the file.
    package var encoded: [UInt8] {
        var body = WireWriter()
        body.uint32(UInt32(frames.count))
        for frame in frames {
            body.uint64(frame.time)
            body.uint64(frame.offset)
        }
        body.uint64(duration)
        body.uint64(outputBytes)
        body.uint64(lostBytes)
        body.string(exit)
        body.boolean(isComplete)
        body.uint32(UInt32(body.bytes.count))
        body.raw(Self.letters)
        let length = UInt32(body.bytes.count)
        return Self.magic + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + body.bytes
    }

    /// The index at the end of a file; nil: there is none, or no good one.
    package init?(of file: Descriptor, size: UInt64) {
        guard size >= UInt64(Self.footerLength + 8),
            let footer = try? file.read(at: size - UInt64(Self.footerLength), count: Self.footerLength),
            footer.count == Self.footerLength, footer.suffix(8).elementsEqual(Self.letters)
        else { return nil }
        let length = footer.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length <= 16 * Self.frameLimit + 1_024, UInt64(length + Self.footerLength) <= size,
            let body = try? file.read(at: size - UInt64(length + Self.footerLength), count: length),
            body.count == length
        else { return nil }
        self.init(body, size: size)
    }

    private init?(_ bytes: [UInt8], size: UInt64) {
        var input = WireReader(bytes)
        do {
            let count = Int(try input.uint32())
            guard count <= Self.frameLimit else { return nil }
            for _ in 0..<count {
                let frame = Frame(time: try input.uint64(), offset: try input.uint64())
                guard frame.offset < size, frames.last.map({ $0.offset < frame.offset }) ?? true else {
                    return nil
                }
                frames.append(frame)
            }
            duration = try input.uint64()
            outputBytes = try input.uint64()
            lostBytes = try input.uint64()
            exit = try input.string()
            isComplete = try input.boolean()
            try input.finish()
        } catch {
            return nil
        }
    }

    /// Where to begin reading for a moment: the last frame that has nothing later.
    package func offset(before time: UInt64) -> UInt64 {
        frames.last { $0.time <= time }?.offset ?? 0
    }
}
