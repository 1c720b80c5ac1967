internal import SQLite

/// The tables of the state: what is in the trees, and what scans found changed. Times are microseconds since 1970, those of files
/// nanoseconds; 64-bit numbers without sign are stored by their bits.
enum StateSchema {
    static let module = "book"

    static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE book_key (key INTEGER NOT NULL);
            CREATE TABLE tree (
                id INTEGER PRIMARY KEY,
                path BLOB NOT NULL UNIQUE,
                -- When the last completed scan began: every directory has been looked at since.
                scanned INTEGER
            );
            -- A root's parent is 0. A directory keeps its row and its place when it is gone, for the paths of changes.
            -- gone: when that was found; -1 while a scan may still find it elsewhere.
            CREATE TABLE directory (
                id INTEGER PRIMARY KEY,
                tree INTEGER NOT NULL,
                parent INTEGER NOT NULL,
                name BLOB NOT NULL,
                gone INTEGER,
                inode INTEGER NOT NULL, mode INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
                links INTEGER NOT NULL, size INTEGER NOT NULL, blocks INTEGER NOT NULL,
                modified INTEGER NOT NULL, changed INTEGER NOT NULL,
                -- When its contents were last read and found new.
                read INTEGER NOT NULL,
                digest INTEGER NOT NULL,
                -- Sums of its own entries.
                files INTEGER NOT NULL, directories INTEGER NOT NULL,
                bytes INTEGER NOT NULL, used INTEGER NOT NULL
            );
            CREATE INDEX directory_by_place ON directory (parent, name);
            CREATE INDEX directory_by_inode ON directory (inode);
            CREATE INDEX directory_detached ON directory (tree) WHERE gone < 0;
            -- The number is the directory's, times 65536, plus the part's.
            CREATE TABLE contents (id INTEGER PRIMARY KEY, packed BLOB NOT NULL);
            -- For directories of several parts: where each begins.
            CREATE TABLE part (
                directory INTEGER NOT NULL, first BLOB NOT NULL, number INTEGER NOT NULL, digest INTEGER NOT NULL,
                PRIMARY KEY (directory, first)
            ) WITHOUT ROWID;
            -- What a person has in a directory itself.
            CREATE TABLE own (
                uid INTEGER NOT NULL, directory INTEGER NOT NULL,
                files INTEGER NOT NULL, directories INTEGER NOT NULL, bytes INTEGER NOT NULL, blocks INTEGER NOT NULL,
                oldest INTEGER, newest INTEGER, biggest INTEGER NOT NULL,
                PRIMARY KEY (uid, directory)
            ) WITHOUT ROWID;
            -- Sums of everything in the directories below a directory, without its own entries.
            CREATE TABLE beneath (
                directory INTEGER PRIMARY KEY, files INTEGER NOT NULL, directories INTEGER NOT NULL,
                bytes INTEGER NOT NULL, blocks INTEGER NOT NULL
            );
            -- Sums of a tree; a file of many names counts each name, and its bytes once.
            CREATE TABLE total (
                tree INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
                files INTEGER NOT NULL, directories INTEGER NOT NULL, bytes INTEGER NOT NULL, blocks INTEGER NOT NULL,
                PRIMARY KEY (tree, uid, gid)
            ) WITHOUT ROWID;
            -- Files of many names: how many of them the tree has, and what counts in the total.
            CREATE TABLE linked (
                tree INTEGER NOT NULL, inode INTEGER NOT NULL, names INTEGER NOT NULL,
                uid INTEGER NOT NULL, gid INTEGER NOT NULL, size INTEGER NOT NULL, blocks INTEGER NOT NULL,
                PRIMARY KEY (tree, inode)
            ) WITHOUT ROWID;
            -- The totals as they were at the end of each day, or at the last scan of it; day: days since 1970.
            CREATE TABLE usage (
                tree INTEGER NOT NULL, day INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
                files INTEGER NOT NULL, directories INTEGER NOT NULL, bytes INTEGER NOT NULL, blocks INTEGER NOT NULL,
                PRIMARY KEY (tree, day, uid, gid)
            ) WITHOUT ROWID;
            CREATE TABLE scan (
                id INTEGER PRIMARY KEY,
                tree INTEGER NOT NULL,
                state INTEGER NOT NULL,
                began INTEGER NOT NULL,
                ended INTEGER,
                records_changes INTEGER NOT NULL,
                directories INTEGER NOT NULL DEFAULT 0, entries INTEGER NOT NULL DEFAULT 0,
                changed INTEGER NOT NULL DEFAULT 0, problems INTEGER NOT NULL DEFAULT 0,
                -- What is still to be read, of a scan under way.
                frontier BLOB
            );
            CREATE TABLE problem (
                id INTEGER PRIMARY KEY, scan INTEGER NOT NULL, path BLOB NOT NULL, number INTEGER NOT NULL,
                operation INTEGER NOT NULL
            );
            CREATE INDEX problem_by_scan ON problem (scan);
            -- Differences. The name was as before after `since` and as now before `until`.
            CREATE TABLE change (
                id INTEGER PRIMARY KEY,
                tree INTEGER NOT NULL,
                directory INTEGER NOT NULL, name BLOB NOT NULL,
                kind INTEGER NOT NULL,
                since INTEGER NOT NULL, until INTEGER NOT NULL,
                scan INTEGER, event INTEGER,
                inode INTEGER NOT NULL, mode INTEGER NOT NULL,
                old_uid INTEGER, new_uid INTEGER, old_gid INTEGER, new_gid INTEGER,
                old_mode INTEGER, new_mode INTEGER, old_size INTEGER, new_size INTEGER,
                old_modified INTEGER, new_modified INTEGER,
                origin_directory INTEGER, origin_name BLOB
            );
            CREATE INDEX change_by_place ON change (directory, name);
            CREATE INDEX change_by_origin ON change (origin_directory, origin_name)
                WHERE origin_directory IS NOT NULL;
            CREATE INDEX change_by_time ON change (until);
            """),
        Migration(
            2,
            """
            -- ACLs of directories, each once.
            CREATE TABLE access_list (id INTEGER PRIMARY KEY, list BLOB NOT NULL UNIQUE);
            -- NULL: unknown; 0: the mode says all; else its row there.
            ALTER TABLE directory ADD COLUMN access INTEGER;
            """),
    ]
}
