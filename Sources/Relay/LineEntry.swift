/// A line that somebody types at a terminal in raw mode. Pure: keys in, what to show out.
package struct LineEntry: Sendable {
    /// What has come of the keys so far.
    package enum State: Equatable, Sendable {
        case typing
        case entered([UInt8])
        /// Control-C, or Control-D on an empty line.
        case abandoned
    }

    /// No line is longer, in bytes.
    package static let limit = 1_024

    private var line: [UInt8] = []
    /// Whether it is whole.
    package private(set) var state = State.typing

    package init() {}

    /// Takes keys up to the end of the line.
    ///
    /// - Returns: how many were taken, and what to show.
    package mutating func take(_ keys: some Collection<UInt8>) -> (taken: Int, echo: [UInt8]) {
        var echo: [UInt8] = []
        var taken = 0
        for key in keys where state == .typing {
            taken += 1
            switch key {
            case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                state = .entered(line)
                echo += Array("\r\n".utf8)
            case 0x03,
                0x04 where line.isEmpty:
                state = .abandoned
                echo += Array("\r\n".utf8)
            case 0x08, 0x7F:
                if erase() { echo += Array("\u{8} \u{8}".utf8) }
            case 0x15:
                while erase() { echo += Array("\u{8} \u{8}".utf8) }
            case 0x20... where line.count < Self.limit:
                line.append(key)
                echo.append(key)
            default: break
            }
        }
        return (taken, echo)
    }

    /// Takes the last character back, however many bytes it has.
    private mutating func erase() -> Bool {
        while let last = line.popLast() {
            if last & 0xC0 != 0x80 { return true }
        }
        return false
    }
}
