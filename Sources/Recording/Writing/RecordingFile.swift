import Support

/// The file of a recording while it is written: frames of events, then the index.
///
/// Each frame can be unpacked by itself, and is over after `frameBytes` or `frameTime`. What came is in the file `flushTime` later at the most,
/// so a kill at any moment costs no more than that.
struct RecordingFile {
    private static let frameBytes = 256 * 1_024
    private static let frameTime = Duration.seconds(5)
    private static let flushTime = Duration.milliseconds(100)

    /// What the disk has left is not for recordings; thrown before anything is written or forgotten.
    struct NoRoom: Error {}

    private let file: Descriptor
    private let freeSpace: () throws -> UInt64
    /// Whether it refuses to write into what is left for others (`Recorder.reserve`).
    var keepsReserve = true
    private let compressor: FrameCompressor
    private var unpacked: [UInt8] = []
    private var packed: [UInt8] = []
    private var offset: UInt64 = 0
    private var frameLength = 0
    private var frameStart: MonotonicTime?
    private var flushDue: MonotonicTime?
    private(set) var index = RecordingIndex()

    /// - Parameter freeSpace: asked before each write; bytes.
    init(_ file: Descriptor, freeSpace: @escaping () throws -> UInt64) throws(RecordingError) {
        self.file = file
        self.freeSpace = freeSpace
        compressor = try FrameCompressor()
    }

    /// How many bytes the file has.
    var size: UInt64 { offset }

    /// When `flush` should be called; nil: when more has come.
    var due: MonotonicTime? { flushDue }

    /// Takes in lines, the first of which is of `time` (microseconds from the beginning).
    mutating func append(_ lines: [UInt8], of time: UInt64, now: MonotonicTime) throws {
        guard !lines.isEmpty else { return }
        if frameLength == 0 {
            index.add(RecordingIndex.Frame(time: time, offset: offset))
            frameStart = now
        }
        unpacked += lines
        frameLength += lines.count
        flushDue = flushDue ?? now + Self.flushTime
        if frameLength >= Self.frameBytes {
            try pack(.frame)
        } else if unpacked.count >= 32 * 1_024 {
            try pack(.blocks)
        }
    }

    /// Writes what has waited long enough.
    mutating func flush(now: MonotonicTime) throws {
        guard let due = flushDue, now >= due else { return }
        try pack(frameStart.map { now >= $0 + Self.frameTime } ?? false ? .frame : .all)
    }

    /// Writes what is left, and the index.
    mutating func finish(_ complete: (inout RecordingIndex) -> Void) throws {
        if frameLength > 0 { try pack(.frame) }
        complete(&index)
        try file.writeAll(index.encoded)
    }

    /// Writes all that came so far, at once.
    mutating func flushAll() throws {
        if flushDue != nil { try pack(.all) }
    }

    private mutating func pack(_ extent: FrameCompressor.Extent) throws {
        if keepsReserve, try freeSpace() < Recorder.reserve { throw NoRoom() }
        try compressor.append(unpacked, upTo: extent, to: &packed)
        unpacked.removeAll(keepingCapacity: true)
        if extent != .blocks { flushDue = nil }
        if extent == .frame { (frameLength, frameStart) = (0, nil) }
        guard !packed.isEmpty else { return }
        try file.writeAll(packed)
        offset += UInt64(packed.count)
        packed.removeAll(keepingCapacity: true)
    }
}
