internal import SQLite

/// The tables of the log.
enum Schema {
    static let module = "audit"

    static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE events (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                time INTEGER NOT NULL,
                kind TEXT NOT NULL,
                session TEXT,
                "user" TEXT,
                host TEXT,
                address TEXT,
                detail TEXT NOT NULL
            );
            CREATE INDEX events_by_session ON events (session) WHERE session IS NOT NULL;
            CREATE INDEX events_by_user ON events ("user") WHERE "user" IS NOT NULL;
            CREATE INDEX events_by_kind ON events (kind);
            CREATE TABLE sessions (
                id TEXT PRIMARY KEY,
                "user" TEXT,
                target TEXT,
                host TEXT,
                key_fingerprint TEXT,
                client_address TEXT NOT NULL,
                client_version TEXT,
                started INTEGER NOT NULL,
                ended INTEGER,
                bytes_from_client INTEGER NOT NULL,
                bytes_to_client INTEGER NOT NULL,
                exit_status INTEGER,
                exit_signal TEXT,
                end_reason TEXT,
                pid INTEGER,
                pid_start INTEGER,
                journal_offset INTEGER NOT NULL
            );
            CREATE INDEX sessions_live ON sessions (id) WHERE ended IS NULL;
            """),
        Migration(
            2,
            """
            ALTER TABLE events ADD COLUMN previous BLOB;
            ALTER TABLE events ADD COLUMN hash BLOB;
            CREATE TABLE event_checkpoints (
                event INTEGER PRIMARY KEY,
                line TEXT NOT NULL
            );
            """, more: { try $0.chainAllEvents() }),
    ]
}
