import Glibc
import Support

/// The keys of this process's terminal, one by one: the terminal is raw as long as this lives.
final class Keyboard {
    private let before: termios

    /// - Throws: `SystemError` where standard input is no terminal.
    init() throws(SystemError) {
        var settings = termios()
        try SystemError.check(unsafe tcgetattr(0, &settings), "the terminal's settings")
        before = settings
        unsafe cfmakeraw(&settings)
        try SystemError.check(unsafe tcsetattr(0, TCSADRAIN, &settings), "the terminal's settings")
    }

    deinit {
        var settings = before
        unsafe tcsetattr(0, TCSADRAIN, &settings)
    }

    /// Waits for a key, or for something to read from `other`.
    ///
    /// - Returns: what was typed; nil: there is something to read there.
    /// - Throws: `SystemError`: the terminal is gone.
    func typed(before other: Descriptor) throws(SystemError) -> [UInt8]? {
        var entries = [
            pollfd(fd: other.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let count = unsafe poll(&entries, 2, -1)
            if count < 0, errno == EINTR { continue }
            try SystemError.check(count, "poll")
            if entries[0].revents != 0 { return nil }
            var bytes = [UInt8](repeating: 0, count: 256)
            let length = unsafe read(0, &bytes, bytes.count)
            if length < 0, errno == EINTR { continue }
            guard length > 0 else { throw SystemError("read the terminal", number: EIO) }
            return Array(bytes[..<length])
        }
    }
}
