package import Control

/// Turns what happens on a channel into the lines of an asciicast, version 2; pure.
///
/// Besides the events of the format it writes `e` (the error stream of a program without a terminal) and `x` (how the program ended, as
/// version 3 has it), which players of version 2 pass over.
package struct CastWriter: Sendable {
    /// Microseconds since the epoch that are time 0.
    private let start: UInt64
    private var last: UInt64 = 0
    private var output = UTF8Repair()
    private var error = UTF8Repair()
    private var input = UTF8Repair()

    /// Bytes of output and of errors so far.
    package private(set) var outputBytes: UInt64 = 0
    /// Bytes of output that are missing.
    package private(set) var lostBytes: UInt64 = 0
    /// How the program ended; empty: that is not known.
    package private(set) var exit = ""
    /// Whether the end of the channel is in it.
    package private(set) var isFinished = false

    /// - Parameter start: microseconds since the epoch.
    package init(start: UInt64) {
        self.start = start
    }

    /// Microseconds from the beginning to the newest event.
    package var duration: UInt64 { last }

    /// Appends the lines for a message.
    package mutating func append(_ message: RecordingMessage, at time: UInt64, to out: inout [UInt8]) {
        switch message {
        case .data(let stream, let piece): append(stream, piece, at: time, to: &out)
        case .resize(let columns, let rows): line("r", "\(columns)x\(rows)", at: time, to: &out)
        case .lost(let count):
            // The session's word.
            let (sum, isTooMuch) = lostBytes.addingReportingOverflow(count)
            lostBytes = isTooMuch ? .max : sum
            line("m", "\(count) bytes of output are missing here", at: time, to: &out)
        case .exit(let text):
            exit = text
            line("x", text, at: time, to: &out)
        case .finished:
            finish(at: time, to: &out)
            isFinished = true
        case .start: break
        }
    }

    /// Appends a remark of our own.
    package mutating func mark(_ text: String, at time: UInt64, to out: inout [UInt8]) {
        line("m", text, at: time, to: &out)
    }

    /// Appends what is left of characters that will not be completed.
    package mutating func finish(at time: UInt64, to out: inout [UInt8]) {
        for stream in [RecordingMessage.Stream.output, .error, .input] where repair(stream).isWithinCharacter
        {
            begin(Self.letter(of: stream), at: time, to: &out)
            switch stream {
            case .output: output.finish(asJSONTo: &out)
            case .error: error.finish(asJSONTo: &out)
            case .input: input.finish(asJSONTo: &out)
            }
            end(&out)
        }
    }

    private func repair(_ stream: RecordingMessage.Stream) -> UTF8Repair {
        switch stream {
        case .output: output
        case .error: error
        case .input: input
        }
    }

    private static func letter(of stream: RecordingMessage.Stream) -> StaticString {
        switch stream {
        case .output: "o"
        case .error: "e"
        case .input: "i"
        }
    }

    private mutating func append(
        _ stream: RecordingMessage.Stream, _ piece: [UInt8], at time: UInt64, to out: inout [UInt8]
    ) {
        let before = out.count
        begin(Self.letter(of: stream), at: time, to: &out)
        let empty = out.count
        switch stream {
        case .output: output.append(piece[...], asJSONTo: &out)
        case .error: error.append(piece[...], asJSONTo: &out)
        case .input: input.append(piece[...], asJSONTo: &out)
        }
        if stream != .input { outputBytes += UInt64(piece.count) }
        // No more than the beginning of a character has come.
        if out.count == empty {
            out.removeLast(empty - before)
        } else {
            end(&out)
        }
    }

    private mutating func line(
        _ letter: StaticString, _ text: String, at time: UInt64, to out: inout [UInt8]
    ) {
        begin(letter, at: time, to: &out)
        var repair = UTF8Repair()
        repair.append(Array(text.utf8)[...], asJSONTo: &out)
        end(&out)
    }

    private mutating func begin(_ letter: StaticString, at time: UInt64, to out: inout [UInt8]) {
        // A clock that is set back stops the recording's for a while.
        last = max(last, time >= start ? time - start : 0)
        let fraction = String(last % 1_000_000)
        out.append(0x5B)
        out += String(last / 1_000_000).utf8
        out.append(0x2E)
        out += repeatElement(0x30, count: 6 - fraction.utf8.count)
        out += fraction.utf8
        out += [0x2C, 0x20, 0x22]
        unsafe out += UnsafeBufferPointer(start: letter.utf8Start, count: letter.utf8CodeUnitCount)
        out += [0x22, 0x2C, 0x20, 0x22]
    }

    private func end(_ out: inout [UInt8]) {
        out += [0x22, 0x5D, 0x0A]
    }
}
