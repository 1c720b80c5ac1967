import Glibc
import Support

/// The terminal this process was started from.
package struct LocalTerminal: Terminal {
    package init() {}

    package var isInteractive: Bool { isatty(0) == 1 && isatty(2) == 1 }

    package var columns: Int {
        guard isatty(1) == 1 else { return 0 }
        var size = winsize()
        guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    package func out(_ text: String) throws { try Self.write(Array(text.utf8), to: 1) }

    package func err(_ text: String) throws { try Self.write(Array(text.utf8), to: 2) }

    package func readInput(limit: Int) throws -> [UInt8] {
        if isInteractive { try errLine("reading standard input; end it with Ctrl-D") }
        return try Self.readAll(of: Self.standard(0), limit: limit, name: "standard input")
    }

    package func readFile(_ path: String, limit: Int) throws -> [UInt8] {
        try Self.readAll(of: Descriptor.open(path, O_RDONLY), limit: limit, name: path)
    }

    package func ask(_ question: String) throws -> String? {
        guard isInteractive, let terminal = try? Descriptor.open("/dev/tty", O_RDWR | O_NOCTTY) else {
            return nil
        }
        try terminal.writeAll(Array((question + " ").utf8))
        var line: [UInt8] = []
        var byte: [UInt8] = [0]
        while line.count < 1_024, try terminal.read(into: &byte) == 1, byte[0] != UInt8(ascii: "\n") {
            line += byte
        }
        return String(validating: line, as: UTF8.self)
    }

    package func pause(for duration: Duration) -> Bool {
        usleep(UInt32(clamping: duration.milliseconds * 1_000))
        return true
    }

    /// Writes bytes to standard output (1) or standard error (2).
    static func write(_ bytes: [UInt8], to number: Int32) throws(SystemError) {
        try standard(number).writeAll(bytes)
    }

    /// A copy of a standard descriptor, so that closing it closes nothing.
    private static func standard(_ number: Int32) throws(SystemError) -> Descriptor {
        Descriptor(adopting: try SystemError.check(dup(number), "standard descriptor \(number)"))
    }

    private static func readAll(of file: Descriptor, limit: Int, name: String) throws -> [UInt8] {
        do {
            return try file.readAll(limit: limit)
        } catch {
            let why = error.number == EFBIG ? "more than \(limit) bytes" : error.reason
            throw CommandError(.failure, "\(name): \(why)")
        }
    }
}
