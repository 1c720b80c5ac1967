/// Where a command's output goes and its input comes from.
package protocol Terminal: Sendable {
    /// Whether a person can be asked.
    var isInteractive: Bool { get }

    /// Width of the terminal that shows the results; 0: they go to a file or a pipe.
    var columns: Int { get }

    /// Writes results; line ends are the caller's.
    ///
    /// - Throws: `TerminalGone` when nobody is left to read them, as all calls below.
    func out(_ text: String) throws

    /// Writes remarks; line ends are the caller's.
    func err(_ text: String) throws

    /// All of standard input.
    ///
    /// - Throws: `CommandError` when there is more than `limit` bytes.
    func readInput(limit: Int) throws -> [UInt8]

    /// The contents of a file on the caller's side.
    ///
    /// - Throws: `CommandError` when it cannot be read or has more than `limit` bytes.
    func readFile(_ path: String, limit: Int) throws -> [UInt8]

    /// Asks the person; nil when there is no answer.
    func ask(_ question: String) throws -> String?

    /// Waits; false as soon as nobody is left to read.
    func pause(for duration: Duration) -> Bool

    /// Has keys come as they are pressed, and shows output as it is, from now to the end of the command.
    ///
    /// - Returns: false: there is nobody who could press any.
    func beginKeys() throws -> Bool

    /// What was typed; nothing when the time has passed.
    func keys(within duration: Duration) throws -> [UInt8]
}

/// The peer has left; the command ends quietly.
package struct TerminalGone: Error, Equatable, Sendable {
    package init() {}
}

extension Terminal {
    package func beginKeys() throws -> Bool { false }

    package func keys(within duration: Duration) throws -> [UInt8] {
        if !pause(for: duration) { throw TerminalGone() }
        return []
    }

    /// Whether somebody who was shown something presses what ends that: q, or an interrupt.
    ///
    /// - Throws: `TerminalGone`.
    func isLeft(within duration: Duration) throws -> Bool {
        try keys(within: duration).contains { [0x71, 0x03, 0x04].contains($0) }
    }

    /// The contents of a file, or of standard input for `-`.
    func read(_ path: String, limit: Int) throws -> [UInt8] {
        path == "-" ? try readInput(limit: limit) : try readFile(path, limit: limit)
    }

    /// Writes one line of results.
    func outLine(_ line: String) throws { try out(line + "\n") }

    /// Writes one line of remarks.
    func errLine(_ line: String) throws { try err(line + "\n") }
}
