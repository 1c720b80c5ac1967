package import Configuration
internal import SQLite
package import Support

/// The limits on guessing, kept in the directory's database file: a restart of the daemon sets nobody free.
///
/// Any thread may call it; calls block on the disk.
package final class GuessLedger: Sendable {
    private struct Contents {
        let database: Database
        var limits: GuessLimits
    }

    private let contents: Locked<Contents>

    /// - Throws: `SQLiteError`.
    package init(path: String) throws {
        let database = try Database(path: path)
        try database.migrate(module: "authentication", Self.migrations)
        let records = try database.rows(
            """
            SELECT user, network, failures, last_failure, closed_until, last_success, factor FROM guesses
            ORDER BY last_failure DESC
            """, []
        ) { row in
            GuessLimits.Record(
                Factor(rawValue: row.text(6)) ?? .code, of: row.text(0), at: row.text(1),
                failures: Int(clamping: row.integer(2)),
                lastFailure: Timestamp(milliseconds: row.integer(3)),
                closedUntil: row.optional(4) { Timestamp(milliseconds: row.integer($0)) },
                lastSuccess: row.optional(5) { Timestamp(milliseconds: row.integer($0)) })
        }
        contents = Locked(Contents(database: database, limits: GuessLimits(records)))
    }

    private static let migrations = [
        Migration(
            1,
            """
            -- Wrong codes and passwords by user and network; an empty network: all of them. Times are in milliseconds.
            CREATE TABLE guesses (
                user TEXT NOT NULL,
                network TEXT NOT NULL,
                failures INTEGER NOT NULL,
                last_failure INTEGER NOT NULL,
                closed_until INTEGER,
                last_success INTEGER,
                PRIMARY KEY (user, network)
            ) WITHOUT ROWID;
            """),
        Migration(
            2,
            """
            -- Codes and passwords each for themselves; what was counted before stands for both.
            CREATE TABLE guesses_by_factor (
                factor TEXT NOT NULL,
                user TEXT NOT NULL,
                network TEXT NOT NULL,
                failures INTEGER NOT NULL,
                last_failure INTEGER NOT NULL,
                closed_until INTEGER,
                last_success INTEGER,
                PRIMARY KEY (factor, user, network)
            ) WITHOUT ROWID;
            INSERT INTO guesses_by_factor
                SELECT f.factor, g.user, g.network, g.failures, g.last_failure, g.closed_until, g.last_success
                FROM guesses g, (SELECT 'totp' AS factor UNION SELECT 'pam') f;
            DROP TABLE guesses;
            ALTER TABLE guesses_by_factor RENAME TO guesses;
            """),
    ]

    /// As `GuessLimits.admit`; noted before it is answered.
    ///
    /// - Throws: `SQLiteError`: then no secret may be looked at.
    package func admit(
        _ factor: Factor, of user: String, from address: String, at time: Timestamp
    ) throws -> GuessLimits.Admission {
        try change { $0.admit(factor, of: user, from: address, at: time) }
    }

    /// As `GuessLimits.isClosed`.
    package func isClosed(_ factor: Factor, of user: String, from address: String, at time: Timestamp) -> Bool
    {
        contents.withLock { $0.limits.isClosed(factor, of: user, from: address, at: time) }
    }

    /// As `GuessLimits.noteSuccess`.
    ///
    /// - Throws: `SQLiteError`.
    package func noteSuccess(
        _ factor: Factor, of user: String, from address: String, at time: Timestamp
    ) throws {
        try change { $0.noteSuccess(factor, of: user, from: address, at: time) }
    }

    /// As `GuessLimits.clear`.
    ///
    /// - Throws: `SQLiteError`.
    package func clear(user: String) throws {
        try change { $0.clear(user: user) }
    }

    /// As `GuessLimits.records`.
    package func records(of user: String, at time: Timestamp) -> [GuessLimits.Record] {
        contents.withLock { $0.limits.records(of: user, at: time) }
    }

    private func change<Result: Sendable>(
        _ body: @Sendable (inout GuessLimits) -> Result
    ) throws -> Result {
        try contents.withLock { contents in
            let result = body(&contents.limits)
            let changes = contents.limits.takeChanges()
            let database = contents.database
            try database.transaction {
                for record in changes.kept {
                    try database.run(
                        "INSERT OR REPLACE INTO guesses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        record.factor.rawValue, record.user, record.network, record.failures,
                        record.lastFailure.milliseconds,
                        record.closedUntil?.milliseconds, record.lastSuccess?.milliseconds)
                }
                for key in changes.dropped {
                    try database.run(
                        "DELETE FROM guesses WHERE factor = ?1 AND user = ?2 AND network = ?3",
                        key.factor.rawValue, key.user, key.network)
                }
            }
            return result
        }
    }
}
