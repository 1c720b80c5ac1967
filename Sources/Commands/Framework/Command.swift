/// Who may run a command.
package enum Audience: Sendable {
    case everyone
    /// Auditors and administrators: what only asks, about everybody.
    case auditor
    case administrator
}

/// One verb: what help says about it, and how its words are read.
///
/// Reading the words is pure; only `run` of the protocols below has effects.
package protocol Command: Sendable {
    /// The words that name it: noun and verb, or one word.
    static var words: [String] { get }

    /// One line without a full stop.
    static var summary: String { get }

    /// What follows the words, such as `NAME [--json]`; empty: nothing.
    static var usage: String { get }

    /// Whole command lines without the leading `gatehouse`.
    static var examples: [String] { get }

    /// Who may run it.
    static var audience: Audience { get }

    /// Whether it tells people of the directory about themselves: the operator of the machine is none.
    static var isForPeople: Bool { get }

    /// Whether somebody may run it who has yet to enrol for one-time codes.
    static var isForNewcomers: Bool { get }

    /// Reads the words after `words`.
    init(parsing words: inout ArgumentReader) throws(UsageError)
}

/// A command the daemon runs.
package protocol DaemonCommand: Command {
    /// Does it.
    ///
    /// - Throws: whatever stopped it; `ErrorReport` knows how to say it.
    func run(in context: CommandContext) throws -> ExitCode
}

/// A command that `gatehouse` runs itself, without the daemon.
package protocol LocalCommand: Command {
    /// Does it.
    func run(in context: LocalContext) throws -> ExitCode
}

extension Command {
    package static var usage: String { "" }
    package static var examples: [String] { [] }
    package static var audience: Audience { .administrator }
    package static var isForPeople: Bool { false }
    package static var isForNewcomers: Bool { false }

    /// `user add`.
    static var title: String { words.joined(separator: " ") }
}
