import Audit
import Configuration
import SSHKeys
import Support

/// Goes on with an event log that is not as it was written: `gatehouse event reseal`. Needs no daemon: it does not start with such a log.
package struct EventReseal: LocalCommand {
    package static let words = ["event", "reseal"]
    package static let summary = "Go on with an event log that was changed; what is wrong with it is noted"
    package static let usage = "--why TEXT"
    package static let examples = ["event reseal --why 'restored from the backup of last night'"]

    /// Characters of what is noted.
    private static let limit = 2_000

    private let reason: String

    package init(parsing words: inout ArgumentReader) throws(UsageError) {
        guard let reason = try words.option("--why"), !reason.isEmpty, reason.count <= Self.limit else {
            throw UsageError("--why TEXT says why, in \(Self.limit) characters at the most; it is noted")
        }
        self.reason = reason
        try words.finish()
    }

    package func run(in context: LocalContext) throws -> ExitCode {
        let installation = Installation(configuration: try context.configuration())
        let events = try installation.openDatabase().events
        let key = try installation.eventKey(of: events)
        let problems = try events.check(signedBy: key.publicKey).problems
        guard !problems.isEmpty else {
            throw CommandError(.failure, "all events are as they were noted; there is nothing to go on with")
        }
        let found = String(problems.map(\.sentence).joined(separator: "; ").prefix(Self.limit))
        try events.reseal(
            with: Event(
                .eventsResealed,
                detail: ["by": context.caller.description, "found": found, "reason": reason]),
            signedBy: key)
        for problem in problems { try context.terminal.errLine(problem.sentence) }
        try context.terminal.outLine(
            "the daemon starts again; 'event verify' goes on telling what is wrong before")
        return .success
    }
}
