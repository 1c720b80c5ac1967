package import Support

/// Reads the lines of a recording from its file, also while it is written.
///
/// It uses a window, a buffer and a line, however long the recording is.
package struct RecordingReader {
    /// More than the longest line of a recorder: a piece of data of which each byte needs six letters.
    private static let lineLimit = 1_024 * 1_024
    private static let pieceLength = 64 * 1_024

    private let file: Descriptor
    private let decompressor: FrameDecompressor
    private var offset: UInt64
    private var packed: [UInt8] = []
    private var position = 0
    /// Whether zstd may have more without more bytes.
    private var hasMore = false
    private var lines: [UInt8] = []
    private var lineStart = 0

    /// Reads from the beginning, or from where a frame begins.
    ///
    /// - Throws: `RecordingError` when zstd has no memory.
    package init(_ file: Descriptor, from offset: UInt64 = 0) throws(RecordingError) {
        self.file = file
        self.offset = offset
        decompressor = try FrameDecompressor()
    }

    /// The first line; nil: it is not there.
    ///
    /// - Throws: `RecordingError`, `SystemError`.
    package mutating func header() throws -> [UInt8]? { try line().map { Array($0) } }

    /// The next event; nil: there is no more, or not yet.
    ///
    /// - Throws: `RecordingError` for damage, `SystemError`.
    package mutating func next() throws -> CastEvent? {
        try line().map { try CastEvent(line: $0) }
    }

    private mutating func line() throws -> ArraySlice<UInt8>? {
        var searched = lineStart
        while true {
            if let end = lines[searched...].firstIndex(of: 0x0A) {
                defer { lineStart = end + 1 }
                return lines[lineStart..<end]
            }
            if lineStart > 0 {
                lines.removeFirst(lineStart)
                lineStart = 0
            }
            searched = lines.count
            guard lines.count <= Self.lineLimit else {
                throw RecordingError(.malformed, "the recording is damaged: a line has no end")
            }
            guard try fill() else { return nil }
        }
    }

    /// Unpacks a little more; false: there is nothing more now.
    private mutating func fill() throws -> Bool {
        while true {
            if hasMore || position < packed.count {
                let unpacked = try decompressor.unpack(packed, from: &position)
                hasMore = unpacked.count == decompressor.capacity
                if !unpacked.isEmpty {
                    lines += unpacked
                    return true
                }
                continue
            }
            packed = try file.read(at: offset, count: Self.pieceLength)
            position = 0
            if packed.isEmpty { return false }
            offset += UInt64(packed.count)
        }
    }
}
