package import Accounts
package import Audit
package import Authentication
package import Configuration
package import Directory
package import OneTimeCodes
package import Ownership
package import Power
package import SSHKeys
package import Support

/// What the daemon provides to commands, the same for every caller.
package struct CommandServices: Sendable {
    package var directory: DirectoryStore
    package var events: EventLog
    package var book: BookStore
    package var configuration: Configuration
    package var gateway: GatewayKeys
    package var codes: CodeDesk
    package var applier: any AccountApplier
    package var sessions: any SessionControl
    package var scanner: any HostKeyScanner
    package var inventory: any InventoryService
    package var hostWork: HostWork
    package var conditions: any HostConditions
    /// Writes a line on all terminals of a host; blocks, and throws when the host cannot be worked on.
    package var wall: @Sendable (String, Host) throws -> Void
    /// How a host with an idle policy is used, by its name; nil: it has none, or does not run.
    package var idle: @Sendable (_ host: String) -> IdleReport? = { _ in nil }
    /// Wrong codes and passwords given for a user, by network.
    package var guesses: @Sendable (_ user: String) -> [GuessLimits.Record] = { _ in [] }
    /// Forgets them.
    package var clearGuesses: @Sendable (_ user: String) throws -> Void = { _ in }
    /// The present moment.
    package var now: @Sendable () -> Timestamp = { .now }

    package init(
        directory: DirectoryStore, events: EventLog, book: BookStore, configuration: Configuration,
        gateway: GatewayKeys, codes: CodeDesk, applier: any AccountApplier, sessions: any SessionControl,
        scanner: any HostKeyScanner, inventory: any InventoryService,
        hostWork: HostWork, conditions: any HostConditions,
        wall: @escaping @Sendable (String, Host) throws -> Void
    ) {
        self.directory = directory
        self.events = events
        self.book = book
        self.configuration = configuration
        self.gateway = gateway
        self.codes = codes
        self.applier = applier
        self.sessions = sessions
        self.scanner = scanner
        self.inventory = inventory
        self.hostWork = hostWork
        self.conditions = conditions
        self.wall = wall
    }
}

/// The public keys by which others know the gateway.
package struct GatewayKeys: Sendable {
    /// Signs the certificates of users; hosts trust it.
    package var userAuthority: PublicKey
    /// The gateway proves to clients that it has them.
    package var hostKeys: [PublicKey]
    /// Signs checkpoints of the event log.
    package var eventKey: PublicKey

    package init(userAuthority: PublicKey, hostKeys: [PublicKey], eventKey: PublicKey) {
        self.userAuthority = userAuthority
        self.hostKeys = hostKeys
        self.eventKey = eventKey
    }
}

/// Makes the accounts of the directory on hosts.
package protocol AccountApplier: Sendable {
    /// Brings one host to what the directory says; blocks until that is done. Conflicts are in the report.
    ///
    /// - Parameters:
    ///   - host: its name in the directory.
    ///   - adopted: accounts that are there already and become Gatehouse's.
    /// - Throws: `AccountError`; `CommandError` or `SystemError` when the host cannot be reached or is not what was pinned.
    func apply(to host: String, adopting adopted: [String]) throws -> AccountReport

    /// Says what `apply` would do, and changes nothing on the host.
    ///
    /// - Throws: as `apply`.
    func plan(for host: String, adopting adopted: [String]) throws -> AccountCheck

    /// Brings several hosts to what the directory says; blocks until all are done.
    ///
    /// - Parameter hosts: none of them twice.
    /// - Returns: what came of each, in their order; errors as of `apply`.
    func apply(toEach hosts: [String]) -> [Result<AccountReport, any Error>]

    /// The same as a rehearsal.
    func plan(forEach hosts: [String]) -> [Result<AccountCheck, any Error>]

    /// How the accounts on a host stand, as far as is known; the host is not asked.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    func status(of host: String) throws -> [AccountStatus]
}

/// Ends live sessions.
package protocol SessionControl: Sendable {
    /// Ends one session; false when no such session lives.
    func kill(_ session: String) -> Bool

    /// Ends all sessions of a user and says how many there were.
    func endSessions(ofUser name: String) -> Int

    /// The hosts to which a live session jumps now, by name.
    func jumps(of session: String) -> [String]
}

/// Asks a host for its public host keys.
package protocol HostKeyScanner: Sendable {
    /// Connects and reads the keys' blobs; no credential is sent.
    ///
    /// - Throws: `CommandError` or `SystemError` when the host cannot be reached.
    func scan(address: String, port: UInt16) throws -> [[UInt8]]
}
