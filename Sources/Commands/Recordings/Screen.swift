import Recording
import Support

/// What of a recording goes to a viewer's terminal.
struct Screen {
    /// More than any terminal shows: what is sent to bring a screen to where it was.
    private static let memory = 256 * 1_024

    private var filter = TerminalFilter()
    private let hasTerminal: Bool

    /// - Parameter hasTerminal: false: the recorded program had none, so its lines end with a line feed alone.
    init(hasTerminal: Bool) {
        self.hasTerminal = hasTerminal
    }

    /// What an event shows.
    mutating func shown(_ event: CastEvent) -> [UInt8] {
        var out: [UInt8] = []
        switch event.kind {
        case .output, .error:
            filter.append(event.data, to: &out)
            if !hasTerminal { out = out.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] } }
        case .marker: out = Array("\r\n[\(String(decoding: event.data, as: UTF8.self).printable)]\r\n".utf8)
        case .input, .resize, .exit: break
        }
        return out
    }

    /// The end of what was shown that a terminal needs: begins with a line.
    static func end(of shown: [UInt8]) -> ArraySlice<UInt8> {
        guard shown.count > memory else { return shown[...] }
        let end = shown.suffix(memory)
        return end.firstIndex(of: 0x0A).map { end[($0 + 1)...] } ?? end
    }

    static var memoryLimit: Int { memory }
}
