internal import SQLite

/// The tables of shares and transfers, beside the directory's.
enum Schema {
    static let module = "sharing"

    static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE shares (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                tree TEXT NOT NULL,
                path BLOB NOT NULL,
                inode INTEGER NOT NULL,
                owner INTEGER NOT NULL,
                is_group INTEGER NOT NULL,
                grantee INTEGER NOT NULL,
                grantee_name TEXT NOT NULL,
                writes INTEGER NOT NULL,
                until INTEGER,
                created INTEGER NOT NULL,
                creator TEXT NOT NULL,
                ended INTEGER
            );
            CREATE INDEX live_shares ON shares (until) WHERE ended IS NULL;
            CREATE TABLE transfers (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                source INTEGER NOT NULL,
                recipient INTEGER NOT NULL,
                created INTEGER NOT NULL,
                creator TEXT NOT NULL,
                undone INTEGER
            );
            CREATE TABLE transferred_files (
                transfer INTEGER NOT NULL REFERENCES transfers (id),
                tree TEXT NOT NULL,
                path BLOB NOT NULL,
                inode INTEGER NOT NULL,
                gid INTEGER NOT NULL,
                PRIMARY KEY (transfer, tree, path)
            ) WITHOUT ROWID;
            """)
    ]
}
