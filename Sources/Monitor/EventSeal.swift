import Audit
import Commands
import Configuration
import SSHKeys

/// Whether the event log may be gone on with.
enum EventSeal {
    /// Checks the log since its last checkpoint, and reads the key that signs the next one.
    ///
    /// - Throws: `StartupError` for a log that is not as it was noted; `SQLiteError`, `SystemError`, `KeyError`.
    static func open(_ events: EventLog, of configuration: Configuration) throws -> PrivateKey {
        let installation = Installation(configuration: configuration)
        // A new key would make all that the old one has signed worthless, in silence.
        if try events.hasCheckpoints(), try !installation.hasEventKey() {
            throw StartupError(
                "\(configuration.eventKeyPath) is gone, which signed the event log; put it back from the backup"
            )
        }
        let key = try installation.eventKey()
        let problems = try events.check(signedBy: key.publicKey, isFast: true).problems
        guard let first = problems.first else { return key }
        throw StartupError(
            """
            the event log was changed: \(first.sentence)\(problems.count > 1 ? ", and more" : ""). \
            'gatehouse event verify' tells what; 'gatehouse event reseal' goes on with it
            """)
    }
}
