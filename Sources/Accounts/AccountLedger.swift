internal import Directory
internal import SQLite
internal import Support

/// What the hosts last reported of their accounts, in the directory's database file.
///
/// Every call is one transaction; any thread may make it.
package final class AccountLedger: Sendable {
    /// What is known of one account.
    struct Entry: Equatable, Sendable {
        var state: AccountStatus.State
        var reason: String
        var since: Timestamp
        /// Of the account that the host was given or asked about.
        var signature: String
        /// What it gives there, as far as is known.
        var powers: AccountPowers = []

        /// What it gives besides what it is to give.
        ///
        /// - Parameter holder: what is granted; nil: nothing.
        func excess(over holder: AccountHolder?) -> AccountPowers {
            if let holder, state == .ok, signature == holder.signature { return [] }
            return powers.subtracting(holder?.powers ?? [])
        }
    }

    private struct Connection {
        let database: Database
    }

    /// The name under which the host itself stands in the table; no user is called so.
    private static let hostItself = ""

    private static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE account_status (
                host TEXT NOT NULL,
                user TEXT NOT NULL,
                state TEXT NOT NULL,
                reason TEXT NOT NULL,
                since INTEGER NOT NULL,
                signature TEXT NOT NULL,
                PRIMARY KEY (host, user)
            ) WITHOUT ROWID;
            """),
        Migration(
            2,
            """
            -- AccountPowers: what the account gives its user. Of what was made before, all that is possible.
            ALTER TABLE account_status ADD COLUMN powers INTEGER NOT NULL DEFAULT 31;
            UPDATE account_status SET powers = 0 WHERE user = '' OR state IN ('missing', 'locked');
            """),
    ]

    private let connection: Locked<Connection>

    /// Opens the tables in the database file at `path`, making them if need be.
    ///
    /// - Throws: `SQLiteError`.
    package init(path: String) throws {
        let database = try Database(path: path)
        try database.migrate(module: "accounts", Self.migrations)
        connection = Locked(Connection(database: database))
    }

    /// What is known of a user on a host; nil: nothing.
    func entry(of user: String, on host: String) throws -> Entry? {
        try read { try Self.entry(of: user, on: host, in: $0) }
    }

    /// What is known of the host itself.
    func entry(ofHost host: String) throws -> Entry? {
        try entry(of: Self.hostItself, on: host)
    }

    /// What is known of the users on a host.
    func entries(on host: String) throws -> [String: Entry] {
        try read { database in
            let query =
                "SELECT user, state, reason, since, signature, powers FROM account_status WHERE host = ?1 AND user <> ''"
            let rows = try database.rows(query, [host]) { ($0.text(0), Self.entry($0, from: 1)) }
            return Dictionary(rows) { first, _ in first }
        }
    }

    /// Accounts that give something, with their hosts.
    func powerful() throws -> [(host: String, user: String, entry: Entry)] {
        try read { database in
            let query =
                "SELECT host, user, state, reason, since, signature, powers FROM account_status WHERE powers <> 0 ORDER BY host"
            return try database.rows(query, []) { ($0.text(0), $0.text(1), Self.entry($0, from: 2)) }
        }
    }

    /// Notes what accounts may give from now on, because a run begins that may not come back: who then has more than is granted
    /// is known, and what was to change counts as not done.
    func expect(_ state: DesiredState, on host: String, at time: Timestamp) throws {
        let known = try entries(on: host)
        let grown = state.users.compactMap { user -> (name: String, entry: Entry)? in
            let before = known[user.name]
            guard !(before?.powers ?? []).isSuperset(of: user.powers) else { return nil }
            let entry = Entry(
                state: before.map { $0.state == .ok ? .stale : $0.state } ?? .missing,
                reason: "a run on the host has begun", since: time, signature: before?.signature ?? "",
                powers: user.powers.union(before?.powers ?? []))
            return (user.name, entry)
        }
        guard !grown.isEmpty else { return }
        try write { database in
            for (name, entry) in grown { try Self.put(entry, of: name, on: host, in: database) }
        }
    }

    /// Takes in what a host has reported.
    ///
    /// - Returns: what became different there since the last report though the directory did not want it, by user; the empty
    ///   name is the host itself.
    func take(
        _ report: AccountReport, of host: String, wanted state: DesiredState, at time: Timestamp
    ) throws -> [String: String] {
        let signatures = state.signatures()
        let powers = Dictionary(uniqueKeysWithValues: state.users.map { ($0.name, $0.powers) })
        let known = try entries(on: host)
        let hostBefore = try entry(ofHost: host)
        var drifted: [String: String] = [:]
        var found: [String: Entry] = [:]
        for line in report.users {
            let signature = signatures[line.name]
            let new = Self.state(after: line.result, isWanted: signature != nil, state.isRehearsal)
            let before = known[line.name]
            if new != before?.state, new != .ok, new != .locked, before?.signature == signature ?? "",
                before?.state == .ok || before?.state == .locked
            {
                drifted[line.name] = line.reason
            }
            found[line.name] = Entry(
                state: new, reason: new == .ok || new == .locked ? "" : line.reason,
                since: before?.state == new ? before?.since ?? time : time, signature: signature ?? "",
                powers: Self.powers(
                    after: line.result, wanted: powers[line.name] ?? [], before: before?.powers,
                    state.isRehearsal))
        }
        let groupsDiffer = report.groups.contains { $0.result != .unchanged }
        let isOff = state.isRehearsal && (report.sshdChanged || groupsDiffer || !report.files.isEmpty)
        let hostState = isOff ? AccountStatus.State.stale : .ok
        let reasons = report.files.isEmpty ? ["sshd's settings or shared groups differ"] : report.files
        let reason = isOff ? reasons.joined(separator: "; ") : ""
        if isOff, hostBefore?.state == .ok, hostBefore?.signature == state.hostSignature {
            drifted[Self.hostItself] = reason
        }
        let itself = Entry(
            state: hostState, reason: reason,
            since: hostBefore?.state == hostState ? hostBefore?.since ?? time : time,
            signature: state.hostSignature)
        found[Self.hostItself] = itself
        try replace(found, on: host)
        return drifted
    }

    /// Notes that a host did not answer, or not with a report; what is known of its users stays.
    func take(failure reason: String, isUnreachable: Bool, of host: String, at time: Timestamp) throws {
        let before = try entry(ofHost: host)
        let state = isUnreachable ? AccountStatus.State.unreachable : .stale
        let since = before?.state == state ? before?.since ?? time : time
        let entry = Entry(state: state, reason: reason, since: since, signature: before?.signature ?? "")
        try write { try Self.put(entry, of: Self.hostItself, on: host, in: $0) }
    }

    /// Forgets what a host reported.
    func forget(_ host: String) throws {
        try write { _ = try $0.run("DELETE FROM account_status WHERE host = ?1", host) }
    }

    /// Forgets hosts that are not among these.
    func keep(only hosts: [String]) throws {
        try write { database in
            let known = try database.rows("SELECT DISTINCT host FROM account_status", []) { $0.text(0) }
            for host in Set(known).subtracting(hosts) {
                try database.run("DELETE FROM account_status WHERE host = ?1", host)
            }
        }
    }

    private static func state(
        after result: AccountReport.Result, isWanted: Bool, _ isRehearsal: Bool
    ) -> AccountStatus.State {
        switch result {
        case .conflict: .conflict
        case .unchanged: isWanted ? .ok : .locked
        case .created: isRehearsal ? .missing : .ok
        case .updated: isRehearsal ? .stale : .ok
        case .locked: isRehearsal ? .stale : .locked
        }
    }

    /// What an account gives after a run.
    ///
    /// - Parameter before: as far as was known; nil: nothing was.
    private static func powers(
        after result: AccountReport.Result, wanted: AccountPowers, before: AccountPowers?,
        _ isRehearsal: Bool
    ) -> AccountPowers {
        switch result {
        case .unchanged: wanted
        // A run leaves them out of whatever gives access.
        case .conflict: isRehearsal ? before ?? [] : []
        case .created: isRehearsal ? [] : wanted
        case .updated, .locked: isRehearsal ? before ?? .all : wanted
        }
    }

    // MARK: The table

    private static func entry(_ row: Statement, from column: Int) -> Entry {
        Entry(
            state: AccountStatus.State(rawValue: row.text(column)) ?? .stale, reason: row.text(column + 1),
            since: row.timestamp(column + 2), signature: row.text(column + 3),
            powers: AccountPowers(rawValue: Int(row.integer(column + 4))))
    }

    private static func entry(of user: String, on host: String, in database: Database) throws -> Entry? {
        try database.first(
            "SELECT state, reason, since, signature, powers FROM account_status WHERE host = ?1 AND user = ?2",
            [host, user]
        ) { entry($0, from: 0) }
    }

    private static func put(_ entry: Entry, of user: String, on host: String, in database: Database) throws {
        try database.run(
            "INSERT OR REPLACE INTO account_status VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", host, user,
            entry.state.rawValue, entry.reason, entry.since, entry.signature,
            Int64(entry.powers.rawValue))
    }

    private func replace(_ entries: [String: Entry], on host: String) throws {
        try write { database in
            try database.run("DELETE FROM account_status WHERE host = ?1", host)
            for (user, entry) in entries { try Self.put(entry, of: user, on: host, in: database) }
        }
    }

    private func read<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try connection.withLock { connection in
            let database = connection.database
            return try database.snapshot { try body(database) }
        }
    }

    private func write<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        try connection.withLock { connection in
            let database = connection.database
            return try database.transaction { try body(database) }
        }
    }
}
