/// Takes out of a terminal's output what could harm whoever looks at it later; pure.
///
/// What moves the cursor, erases, colours and switches screens passes; so does text. Everything else is dropped: what a terminal answers
/// to (status, attributes, colours), what writes to the clipboard, sets titles, opens links or files (OSC, DCS, APC, PM, SOS), what changes
/// how keys and the mouse are reported, and the 8-bit forms of all that. What is not known is dropped.
package struct TerminalFilter: Sendable {
    private enum State: Equatable {
        case text
        /// After ESC.
        case escape
        /// After ESC and a byte that says which character set follows.
        case charset(UInt8)
        case sequence
        /// A sequence that is too long; dropped up to its end.
        case longSequence
        /// Up to BEL or ST; how much of it was dropped.
        case string(Int)
        /// After ESC within a string.
        case stringEscape
        /// After the first byte of a character of U+0080 to U+009F, which terminals may take for the 8-bit forms.
        case latinControl
    }

    private static let sequenceLimit = 64
    /// A string without an end does not hide all that follows it.
    private static let stringLimit = 64 * 1_024
    /// What leaves a terminal as it should be, after whatever was shown.
    package static let reset = Array(
        "\u{1B}[m\u{1B}[?1049l\u{1B}[?25h\u{1B}[?7h\u{1B}[4l\u{1B}[r\u{1B}(B\u{0F}".utf8)
    /// The same, and an empty screen.
    package static let clear = reset + Array("\u{1B}[2J\u{1B}[H".utf8)

    private var state = State.text
    private var sequence: [UInt8] = []
    private let keepsControls: Bool

    /// - Parameter keepsControls: false: text and line ends only, without any control sequence.
    package init(keepsControls: Bool = true) {
        self.keepsControls = keepsControls
    }

    /// Appends what of `bytes`, which is UTF-8, may be shown.
    package mutating func append(_ bytes: [UInt8], to out: inout [UInt8]) {
        for byte in bytes { take(byte, &out) }
    }

    private mutating func take(_ byte: UInt8, _ out: inout [UInt8]) {
        switch state {
        case .text: text(byte, &out)
        case .latinControl:
            state = .text
            latin(byte, &out)
        case .escape: escape(byte, &out)
        case .charset(let which):
            state = .text
            guard keepsControls, which != 0, [0x30, 0x41, 0x42].contains(byte) else {
                return again(byte, &out)
            }
            out += [0x1B, which, byte]
        case .sequence: continueSequence(byte, &out)
        case .longSequence: if isEnd(byte, &out) { state = .text }
        case .string(let count): string(byte, count)
        case .stringEscape:
            state = .text
            // ESC \ is the end; any other is a sequence of its own.
            if byte != 0x5C {
                state = .escape
                escape(byte, &out)
            }
        }
    }

    /// A byte that belonged to nothing may begin something.
    private mutating func again(_ byte: UInt8, _ out: inout [UInt8]) {
        if byte == 0x1B { state = .escape }
    }

    private mutating func text(_ byte: UInt8, _ out: inout [UInt8]) {
        switch byte {
        case 0x1B: state = .escape
        case 0xC2: state = .latinControl
        case 0x0A, 0x09: out.append(byte)
        case 0x0D, 0x08, 0x0E, 0x0F, 0x0B, 0x0C: if keepsControls { out.append(byte) }
        case 0x00..<0x20, 0x7F: break
        default: out.append(byte)
        }
    }

    /// The second byte after 0xC2.
    private mutating func latin(_ byte: UInt8, _ out: inout [UInt8]) {
        switch byte {
        case 0xA0...0xBF: out += [0xC2, byte]
        case 0x9B: begin(.sequence)
        case 0x90, 0x98, 0x9D, 0x9E, 0x9F: begin(.string(0))
        case 0x80..<0xA0: break
        default: text(byte, &out)
        }
    }

    private mutating func begin(_ next: State) {
        sequence = []
        state = next
    }

    private mutating func escape(_ byte: UInt8, _ out: inout [UInt8]) {
        state = .text
        switch byte {
        case 0x5B: begin(.sequence)
        // DCS, SOS, OSC, PM, APC.
        case 0x50, 0x58, 0x5D, 0x5E, 0x5F: begin(.string(0))
        case 0x28, 0x29: state = .charset(byte)
        // Other character sets, and tests: they have one more byte.
        case 0x20, 0x23, 0x25, 0x2A...0x2F: state = .charset(0)
        // Cursor saved and back, index, next line, reverse index.
        case 0x37, 0x38, 0x44, 0x45, 0x4D: if keepsControls { out += [0x1B, byte] }
        // A full reset would empty what the viewer's terminal remembers.
        case 0x63: if keepsControls { out += Self.clear }
        case 0x1B: state = .escape
        default: break
        }
    }

    private mutating func continueSequence(_ byte: UInt8, _ out: inout [UInt8]) {
        switch byte {
        case 0x20...0x3F:
            sequence.append(byte)
            if sequence.count > Self.sequenceLimit { state = .longSequence }
        case 0x40...0x7E:
            state = .text
            if keepsControls, Self.isHarmless(sequence, final: byte) {
                out += [0x1B, 0x5B] + sequence + [byte]
            }
        case 0x1B: state = .escape
        case 0x18, 0x1A: state = .text
        // Controls within a sequence are obeyed at once.
        case 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D: if keepsControls { out.append(byte) }
        case 0x00..<0x20, 0x7F: break
        default:
            state = .text
            text(byte, &out)
        }
    }

    private mutating func isEnd(_ byte: UInt8, _ out: inout [UInt8]) -> Bool {
        if byte == 0x1B {
            state = .escape
            return false
        }
        return byte >= 0x40 || byte == 0x18 || byte == 0x1A
    }

    private mutating func string(_ byte: UInt8, _ count: Int) {
        switch byte {
        case 0x07, 0x18, 0x1A: state = .text
        case 0x1B: state = .stringEscape
        default: state = count < Self.stringLimit ? .string(count + 1) : .text
        }
    }

    /// Whether a control sequence does no more than draw.
    private static func isHarmless(_ parameters: [UInt8], final: UInt8) -> Bool {
        let isPlain = parameters.allSatisfy { (0x30...0x3B).contains($0) }
        switch final {
        // Cursor, inserting, deleting, scrolling, erasing a few, tabs, repeating.
        case 0x40...0x49, 0x4C, 0x4D, 0x50, 0x53, 0x54, 0x58, 0x5A, 0x60, 0x61, 0x64, 0x65, 0x66, 0x67, 0x72,
            0x73, 0x75:
            return isPlain
        case 0x62: return isPlain && parameters.count <= 3
        case 0x4B: return isPlain
        // The scroll-back (3, however it is written) is the viewer's.
        case 0x4A: return isPlain && !parameters.contains(0x33)
        case 0x6D: return isPlain
        case 0x68, 0x6C: return modes.contains(String(decoding: parameters, as: UTF8.self))
        default: return false
        }
    }

    /// Insert, wrap, cursor shown, other screen.
    private static let modes: Set<String> = ["4", "?7", "?12", "?25", "?47", "?1047", "?1048", "?1049"]
}
