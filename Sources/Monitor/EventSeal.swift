import Audit
import Commands
import Configuration
import SSHKeys
import Support

/// Whether the event log may be gone on with.
enum EventSeal {
    /// Checks the log since its last checkpoint, and reads the key that signs the next one.
    ///
    /// - Throws: `StartupError` for a log that is not as it was noted; `SQLiteError`, `SystemError`, `KeyError`.
    static func open(_ events: EventLog, of configuration: Configuration) throws -> PrivateKey {
        let key: PrivateKey
        do {
            key = try Installation(configuration: configuration).eventKey(of: events)
        } catch let error as CommandError {
            throw StartupError(error.hint.map { "\(error.why); \($0)" } ?? error.why)
        }
        let problems = try events.check(signedBy: key.publicKey, isFast: true).problems
        guard let first = problems.first else { return key }
        throw StartupError(
            """
            the event log was changed: \(first.sentence)\(problems.count > 1 ? ", and more" : ""). \
            'gatehouse event verify' tells what; 'gatehouse event reseal' goes on with it
            """)
    }
}
