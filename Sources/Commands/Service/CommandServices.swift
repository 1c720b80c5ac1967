/// What the daemon provides to commands, the same for every caller.
package struct CommandServices: Sendable {
    package var applier: any AccountApplier
    package var sessions: any SessionControl
    package var scanner: any HostKeyScanner

    package init(
        applier: any AccountApplier, sessions: any SessionControl, scanner: any HostKeyScanner
    ) {
        self.applier = applier
        self.sessions = sessions
        self.scanner = scanner
    }
}

/// What one run of a command works with.
package struct CommandContext: Sendable {
    package let services: CommandServices
    package let caller: Caller
    package let terminal: any Terminal
    package let table: CommandTable

    /// - Parameter table: what `help` tells about.
    package init(
        services: CommandServices, caller: Caller, terminal: any Terminal, table: CommandTable = .gatehouse
    ) {
        self.services = services
        self.caller = caller
        self.terminal = terminal
        self.table = table
    }
}

/// Makes the accounts of the directory on hosts.
package protocol AccountApplier: Sendable {
    /// Brings one host to what the directory says; blocks until that is done.
    ///
    /// - Parameter host: its name in the directory.
    /// - Throws: `CommandError` or `SystemError`: the host cannot be reached, is not what was pinned, or cannot do it.
    func apply(to host: String) throws -> AccountReport
}

/// What applying the directory to a host did.
package struct AccountReport: Equatable, Sendable {
    /// One account, group or file.
    package struct Item: Equatable, Sendable {
        package enum Outcome: String, Sendable {
            case unchanged, made, changed, removed
            /// The name or number is taken by another; the host's own was left alone.
            case conflict
        }

        /// What it is: `user`, `group`, `file`, ….
        package var kind: String
        package var name: String
        package var outcome: Outcome
        /// More for a person; may be empty.
        package var detail: String

        package init(kind: String, name: String, outcome: Outcome, detail: String = "") {
            self.kind = kind
            self.name = name
            self.outcome = outcome
            self.detail = detail
        }
    }

    package var items: [Item]

    package init(items: [Item]) {
        self.items = items
    }
}

/// Ends live sessions.
package protocol SessionControl: Sendable {
    /// Ends one session; false when no such session lives.
    func kill(_ session: String) -> Bool

    /// Ends all sessions of a user and says how many there were.
    func endSessions(ofUser name: String) -> Int
}

/// Asks a host for its public host keys.
package protocol HostKeyScanner: Sendable {
    /// Connects and reads the keys' blobs; no credential is sent.
    ///
    /// - Throws: `CommandError` or `SystemError` when the host cannot be reached.
    func scan(address: String, port: UInt16) throws -> [[UInt8]]
}
