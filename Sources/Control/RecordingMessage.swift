package import Support

/// What a session's process tells the recorder of one channel, on a stream socket; the daemon has sent `start` before.
///
/// On the wire: a type byte, `uint32` length of what follows, `uint64` microseconds since the epoch, a body. The recorder says
/// nothing but one byte (`RecorderWord`) when it is ready, and one when it gives up.
package enum RecordingMessage: Equatable, Sendable {
    /// No piece of data is longer, in bytes.
    package static let pieceLimit = 128 * 1_024
    /// Length of what stands before a body.
    package static let headLength = 13

    /// One of the three streams of a channel.
    package enum Stream: UInt8, Sendable {
        case output = 1
        case error, input
    }

    /// The first one, of the daemon: the recording's first line without its line end, and how many bytes the file may get.
    case start(header: [UInt8], limit: UInt64)
    case data(Stream, [UInt8])
    /// The terminal has another size.
    case resize(columns: UInt32, rows: UInt32)
    /// So many bytes of output are missing here.
    case lost(UInt64)
    /// How the program ended: its status, or the name of a signal.
    case exit(String)
    /// The channel is closed: what follows is the end, and nothing of it is missing.
    case finished
}

/// What the recorder says.
package enum RecorderWord: UInt8, Sendable {
    /// The recording's beginning is in its file.
    case ready = 0x52
    /// The file has its full size.
    case full = 0x4C
    /// What the disk has left is not for recordings.
    case noRoom = 0x4E
    /// It cannot be written.
    case failed = 0x46
}

extension RecordingMessage {
    private enum Kind: UInt8 {
        case start = 16
        case resize, lost, exit, finished
    }

    /// Appends the message of this moment to bytes that are to be sent.
    package func append(to bytes: inout [UInt8], at microseconds: UInt64) {
        switch self {
        case .data(let stream, let piece):
            Self.append(stream, piece[...], to: &bytes, at: microseconds)
        case .start(let header, let limit):
            var body = WireWriter()
            body.uint64(limit)
            body.raw(header)
            Self.append(Kind.start.rawValue, body.bytes[...], to: &bytes, at: microseconds)
        case .resize(let columns, let rows):
            var body = WireWriter()
            body.uint32(columns)
            body.uint32(rows)
            Self.append(Kind.resize.rawValue, body.bytes[...], to: &bytes, at: microseconds)
        case .lost(let count):
            var body = WireWriter()
            body.uint64(count)
            Self.append(Kind.lost.rawValue, body.bytes[...], to: &bytes, at: microseconds)
        case .exit(let text):
            // Of a host's signal, which may have any name: never cut within a character.
            var body = text.utf8.prefix(256)
            while String(validating: body, as: UTF8.self) == nil { body.removeLast() }
            Self.append(Kind.exit.rawValue, Array(body)[...], to: &bytes, at: microseconds)
        case .finished: Self.append(Kind.finished.rawValue, [], to: &bytes, at: microseconds)
        }
    }

    /// Appends data without a copy of its own; `piece` has `pieceLimit` bytes at the most.
    package static func append(
        _ stream: Stream, _ piece: ArraySlice<UInt8>, to bytes: inout [UInt8], at microseconds: UInt64
    ) {
        append(stream.rawValue, piece, to: &bytes, at: microseconds)
    }

    private static func append(
        _ type: UInt8, _ body: ArraySlice<UInt8>, to bytes: inout [UInt8], at microseconds: UInt64
    ) {
        var head = WireWriter()
        head.byte(type)
        head.uint32(UInt32(8 + body.count))
        head.uint64(microseconds)
        bytes += head.bytes
        bytes += body
    }
}

/// Takes messages from a stream of bytes that came in pieces.
package struct RecordingMessageReader: Sendable {
    private var bytes: [UInt8] = []
    private var offset = 0

    package init() {}

    /// Whether the stream ends within a message.
    package var isWithinMessage: Bool { offset < bytes.count }

    /// Adds what has come.
    package mutating func append(_ piece: ArraySlice<UInt8>) {
        if offset > 0 {
            bytes.removeFirst(offset)
            offset = 0
        }
        bytes += piece
    }

    /// The next message that is there as a whole, with its moment in microseconds.
    ///
    /// - Throws: `WireError` for what cannot be one.
    package mutating func next() throws(WireError) -> (time: UInt64, message: RecordingMessage)? {
        let left = bytes.count - offset
        guard left >= RecordingMessage.headLength else { return nil }
        var head = WireReader(Array(bytes[offset..<offset + RecordingMessage.headLength]))
        let type = try head.byte()
        let length = Int(try head.uint32())
        let time = try head.uint64()
        // The first line of a recording holds a command line.
        guard (8...RecordingMessage.pieceLimit + 8).contains(length) else {
            throw WireError("a message of \(length) bytes for the recorder")
        }
        guard left >= 5 + length else { return nil }
        let body = Array(bytes[offset + RecordingMessage.headLength..<offset + 5 + length])
        offset += 5 + length
        return (time, try RecordingMessage(type: type, body: body))
    }
}

extension RecordingMessage {
    fileprivate init(type: UInt8, body: [UInt8]) throws(WireError) {
        if let stream = Stream(rawValue: type) {
            self = .data(stream, body)
            return
        }
        guard let kind = Kind(rawValue: type) else {
            throw WireError("there is no message \(type) for the recorder")
        }
        var input = WireReader(body)
        switch kind {
        case .start:
            let limit = try input.uint64()
            self = .start(header: Array(try input.raw(input.remaining)), limit: limit)
        case .resize: self = .resize(columns: try input.uint32(), rows: try input.uint32())
        case .lost: self = .lost(try input.uint64())
        case .exit:
            guard body.count <= 256, let text = String(validating: try input.raw(body.count), as: UTF8.self)
            else { throw WireError("an exit that is no text") }
            self = .exit(text)
        case .finished: self = .finished
        }
        try input.finish()
    }
}
