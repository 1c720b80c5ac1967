/// A verb of the program.
protocol Verb {
    static var name: String { get }
    /// One line without a full stop, for the help.
    static var summary: String { get }
    /// The words after the program's name, such as `watch --tree PATH`.
    static var usage: String { get }

    /// Does it. The verb takes every option and then calls `words.finish()`.
    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus
}

/// How the program ends, after sysexits(3).
enum ExitStatus: Int32 {
    case success = 0
    case failure = 1
    case usage = 64
    case notFound = 66
    case unavailable = 69
    case refused = 77
    case configuration = 78
}

/// Why a verb was not done: `gatehouse-watch: VERB: reason`, and what to do.
struct Refusal: Error {
    var status: ExitStatus
    var reason: String
    var hint: String?

    init(_ status: ExitStatus, _ reason: String, hint: String? = nil) {
        self.status = status
        self.reason = reason
        self.hint = hint
    }
}
