import Recording
import Support

/// Plays one recording on a terminal.
struct Player {
    /// How it is played.
    struct Manner: Sendable {
        /// Times the speed in which it happened.
        var speed = 1.0
        /// The longest pause, in microseconds; nil: as they were.
        var idle: UInt64?
    }

    /// What the arrows skip, in microseconds.
    private static let (step, leap): (UInt64, UInt64) = (5_000_000, 60_000_000)
    /// Frames before a moment that bring the screen to what it was.
    private static let context = 2
    private static let fastest = 64.0

    /// The longest pause, in microseconds, whatever the recording says.
    private static let longestPause = 3_600_000_000.0
    /// Events from one look at the keys to the next where nothing is waited for.
    private static let stride = 256

    private let recording: RecordedChannel
    private let file: Descriptor
    private let terminal: any Terminal
    private let hasKeys: Bool
    private let index: RecordingIndex?
    private var manner: Manner
    private var reader: RecordingReader
    private var screen: Screen
    /// Microseconds from the beginning: all before is shown.
    private var position: UInt64 = 0
    private var next: CastEvent?
    private var isPaused = false
    /// Whether the person has enough.
    private(set) var isOver = false
    private var needle = ""

    init(_ recording: RecordedChannel, on terminal: any Terminal, hasKeys: Bool, _ manner: Manner) throws {
        self.recording = recording
        self.terminal = terminal
        self.hasKeys = hasKeys
        self.manner = manner
        file = try recording.open()
        index = recording.index
        screen = Screen(hasTerminal: recording.hasTerminal)
        reader = try RecordingReader(file)
        _ = try reader.header()
    }

    /// Plays to the end, or until the person has enough.
    mutating func play() throws {
        if next == nil { next = try reader.next() }
        while !isOver, let event = next {
            guard try wait(for: event) else { continue }
            try show(screen.shown(event))
            position = event.time
            next = try reader.next()
        }
        try show(TerminalFilter.reset + Array("\r\n".utf8))
    }

    private func show(_ bytes: [UInt8]) throws {
        if !bytes.isEmpty { try terminal.out(String(decoding: bytes, as: UTF8.self)) }
    }

    /// Waits until it is time for an event.
    ///
    /// - Returns: false: something was pressed, and all may be different.
    private mutating func wait(for event: CastEvent) throws -> Bool {
        if isPaused {
            try take(try keys(within: .seconds(3_600)))
            return false
        }
        var gap = event.time > position ? event.time - position : 0
        if let idle = manner.idle { gap = min(gap, idle) }
        let pause = Duration.microseconds(Int64(min(Double(gap) / manner.speed, Self.longestPause)))
        guard hasKeys || pause >= .milliseconds(1) else { return true }
        let start = MonotonicTime.now
        let pressed = try keys(within: pause)
        if pressed.isEmpty { return true }
        // What has been waited so far is past.
        let past = Double((MonotonicTime.now - start).milliseconds) * 1_000 * manner.speed
        position = min(event.time, position + UInt64(max(0, past)))
        try take(pressed)
        return false
    }

    private func keys(within time: Duration) throws -> [UInt8] {
        if hasKeys { return try terminal.keys(within: time) }
        guard terminal.pause(for: time) else { throw TerminalGone() }
        return []
    }

    private mutating func take(_ keys: [UInt8]) throws {
        switch String(decoding: keys, as: UTF8.self) {
        case " ": isPaused.toggle()
        case "q", "\u{03}", "\u{04}": isOver = true
        case "\u{1B}[C", "\u{1B}OC": try seek(to: position + Self.step)
        case "\u{1B}[D", "\u{1B}OD": try seek(to: position > Self.step ? position - Self.step : 0)
        case "\u{1B}[A", "\u{1B}OA": try seek(to: position + Self.leap)
        case "\u{1B}[B", "\u{1B}OB": try seek(to: position > Self.leap ? position - Self.leap : 0)
        case "0": try seek(to: 0)
        case "+": manner.speed = min(Self.fastest, manner.speed * 2)
        case "-": manner.speed = max(1 / Self.fastest, manner.speed / 2)
        case "/": try askWhatToFind()
        case "n": if !needle.isEmpty { try findNext() }
        default: break
        }
    }

    // MARK: Seeking

    /// Whether somebody wants to leave while there is nothing to see; other keys are passed over.
    private mutating func isInterrupted(after count: Int) throws -> Bool {
        if hasKeys, count.isMultiple(of: Self.stride), try terminal.isLeft(within: .zero) { isOver = true }
        return isOver
    }

    /// Shows the recording as it was at a moment, in microseconds from its beginning.
    mutating func seek(to time: UInt64) throws {
        var shown = TerminalFilter.clear
        screen = Screen(hasTerminal: recording.hasTerminal)
        try begin(before: time)
        next = try reader.next()
        var count = 0
        while let event = next, event.time < time {
            count += 1
            if try isInterrupted(after: count) { return }
            shown += screen.shown(event)
            if shown.count > 2 * Screen.memoryLimit {
                shown = TerminalFilter.clear + Screen.end(of: shown)
            }
            next = try reader.next()
        }
        position = next == nil ? min(time, index?.duration ?? time) : time
        try show(TerminalFilter.clear + Screen.end(of: shown))
    }

    /// Puts the reader at a frame that is a little before a moment.
    private mutating func begin(before time: UInt64) throws {
        guard let index, let frame = index.frames.lastIndex(where: { $0.time <= time }), frame > Self.context
        else {
            reader = try RecordingReader(file)
            _ = try reader.header()
            return
        }
        reader = try RecordingReader(file, from: index.frames[frame - Self.context].offset)
    }

    // MARK: Searching

    /// Goes to where a text is shown next; false: it is not shown any more, or the person did not wait.
    mutating func find(_ text: String) throws -> Bool {
        needle = text
        var search = TextSearch(text)
        var reader = try RecordingReader(file)
        _ = try reader.header()
        var count = 0
        while let event = try reader.next() {
            count += 1
            if try isInterrupted(after: count) { return false }
            guard event.kind == .output || event.kind == .error, search.finds(in: event.data),
                event.time >= position
            else { continue }
            try seek(to: event.time + 1)
            isPaused = hasKeys
            return true
        }
        return false
    }

    private mutating func findNext() throws {
        if try !find(needle), !isOver { try remark("not found: \(needle)") }
    }

    private mutating func askWhatToFind() throws {
        var text: [UInt8] = []
        typing: while true {
            try remark("/" + String(decoding: text, as: UTF8.self))
            let pressed = try keys(within: .seconds(3_600))
            for key in pressed {
                switch key {
                case 0x0D, 0x0A: break typing
                case 0x1B, 0x03:
                    text = []
                    break typing
                case 0x7F, 0x08: _ = text.popLast()
                case 0x20...0xFF where text.count < 200: text.append(key)
                default: break
                }
            }
        }
        guard !text.isEmpty else { return }
        needle = String(decoding: text, as: UTF8.self)
        try findNext()
    }

    /// Shows a line of our own at the bottom, and leaves the cursor where it is.
    private func remark(_ text: String) throws {
        try show(Array("\u{1B}7\u{1B}[999;1H\u{1B}[7m\u{1B}[K\(text.printable)\u{1B}[m\u{1B}8".utf8))
    }
}
