internal import SQLite

/// The tables of what hosts told: who did what to which file, and when nobody looked.
enum EventSchema {
    static let module = "events"

    static let migrations = [
        Migration(
            1,
            """
            -- A chain of segments of one host, from one start of its kernel to the next.
            CREATE TABLE event_streams (
                id INTEGER PRIMARY KEY,
                host TEXT NOT NULL,
                stream INTEGER NOT NULL,
                boot BLOB NOT NULL,
                UNIQUE (host, stream, boot)
            );
            -- What was received: what is missing between two segments of a stream is a hole.
            CREATE TABLE event_segments (
                id INTEGER PRIMARY KEY,
                stream INTEGER NOT NULL REFERENCES event_streams (id),
                number INTEGER NOT NULL,
                first INTEGER NOT NULL,
                last INTEGER NOT NULL,
                -- The id of the event with sequence `first`; the others follow it. NULL: there is none.
                base INTEGER UNIQUE,
                -- Microseconds since 1970; the times of events are counted from `created`.
                created INTEGER NOT NULL,
                earliest INTEGER,
                latest INTEGER,
                -- The latest event of this segment and all that were taken before it.
                highest INTEGER NOT NULL,
                events INTEGER NOT NULL,
                digest BLOB NOT NULL,
                received INTEGER NOT NULL,
                -- How many of its events, from the first on, were looked at to forget those that are old.
                thinned INTEGER NOT NULL DEFAULT 0
            );
            CREATE UNIQUE INDEX event_segments_by_digest ON event_segments (digest);
            CREATE INDEX event_segments_by_sequence ON event_segments (stream, last);
            CREATE INDEX event_segments_by_creation ON event_segments (created);
            CREATE INDEX event_segments_by_time ON event_segments (latest, earliest);
            -- Directories as paths of events name them, kept as long as any event does; parent 0: the root of a tree.
            CREATE TABLE event_directories (
                id INTEGER PRIMARY KEY,
                parent INTEGER NOT NULL,
                name BLOB NOT NULL,
                UNIQUE (parent, name)
            );
            -- Each actor once. `identity` holds all of it; the rest is for finding.
            CREATE TABLE event_actors (
                id INTEGER PRIMARY KEY,
                identity BLOB NOT NULL UNIQUE,
                person INTEGER,
                session TEXT
            );
            CREATE INDEX event_actors_by_person ON event_actors (person);
            CREATE INDEX event_actors_by_session ON event_actors (session) WHERE session IS NOT NULL;
            -- Each combination of mode, owner, group and number of names once.
            CREATE TABLE event_attributes (
                id INTEGER PRIMARY KEY,
                mode INTEGER NOT NULL,
                uid INTEGER NOT NULL,
                gid INTEGER NOT NULL,
                links INTEGER NOT NULL,
                UNIQUE (mode, uid, gid, links)
            );
            CREATE TABLE file_events (
                id INTEGER PRIMARY KEY,
                time INTEGER NOT NULL,
                kind INTEGER NOT NULL,
                directory INTEGER NOT NULL,
                name BLOB NOT NULL,
                actor INTEGER NOT NULL,
                detail BLOB NOT NULL
            );
            -- Where an event is found by its place, a rename by both of its places.
            CREATE TABLE event_names (
                directory INTEGER NOT NULL,
                hash INTEGER NOT NULL,
                event INTEGER NOT NULL,
                PRIMARY KEY (directory, hash, event)
            ) WITHOUT ROWID;
            -- In which segments an actor did something.
            CREATE TABLE event_segment_actors (
                actor INTEGER NOT NULL,
                segment INTEGER NOT NULL,
                PRIMARY KEY (actor, segment)
            ) WITHOUT ROWID;
            CREATE TABLE event_gaps (
                stream INTEGER NOT NULL REFERENCES event_streams (id),
                sequence INTEGER NOT NULL,
                tree BLOB,
                since INTEGER NOT NULL,
                until INTEGER NOT NULL,
                reason INTEGER NOT NULL,
                lost INTEGER,
                PRIMARY KEY (stream, sequence)
            ) WITHOUT ROWID;
            CREATE INDEX event_gaps_by_time ON event_gaps (until);
            -- What the gateway itself noticed of a host.
            CREATE TABLE event_silences (
                host TEXT NOT NULL,
                reason INTEGER NOT NULL,
                since INTEGER NOT NULL,
                until INTEGER NOT NULL,
                tree BLOB,
                lost INTEGER,
                PRIMARY KEY (host, reason, since)
            ) WITHOUT ROWID;
            CREATE TABLE event_coverage (
                stream INTEGER NOT NULL REFERENCES event_streams (id),
                sequence INTEGER NOT NULL,
                tree BLOB NOT NULL,
                extent INTEGER NOT NULL,
                file_system TEXT NOT NULL,
                time INTEGER NOT NULL,
                PRIMARY KEY (stream, sequence)
            ) WITHOUT ROWID;
            -- Whose a file was when the first event of it arrived.
            CREATE TABLE event_baselines (
                directory INTEGER NOT NULL,
                name BLOB NOT NULL,
                attributes INTEGER NOT NULL,
                PRIMARY KEY (directory, name)
            ) WITHOUT ROWID;
            """),
        Migration(
            2,
            """
            -- Parts of reports on big directories, of which others have not come yet.
            CREATE TABLE event_report_parts (
                stream INTEGER NOT NULL REFERENCES event_streams (id),
                tree BLOB NOT NULL,
                path BLOB NOT NULL,
                time INTEGER NOT NULL,
                part INTEGER NOT NULL,
                is_last INTEGER NOT NULL,
                contents BLOB NOT NULL,
                PRIMARY KEY (stream, tree, path, time, part)
            ) WITHOUT ROWID;
            """),
    ]
}
