internal import SQLite

/// The tables of the directory.
enum Schema {
    static let module = "directory"

    static let migrations = [
        Migration(
            1,
            """
            -- Every uid and gid ever given out, and to whom: users and shared groups draw from one set of numbers and of names.
            -- Rows are never removed; that is the rule that nothing is given out twice.
            CREATE TABLE numbers (
                number INTEGER PRIMARY KEY,
                kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
                name TEXT NOT NULL UNIQUE
            );
            CREATE TABLE users (
                uid INTEGER PRIMARY KEY REFERENCES numbers (number),
                full_name TEXT NOT NULL,
                shell TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('active', 'locked', 'left')),
                is_admin INTEGER NOT NULL,
                created INTEGER NOT NULL
            );
            CREATE TABLE shared_groups (
                gid INTEGER PRIMARY KEY REFERENCES numbers (number),
                created INTEGER NOT NULL,
                removed INTEGER
            );
            CREATE TABLE memberships (
                gid INTEGER NOT NULL REFERENCES shared_groups (gid),
                uid INTEGER NOT NULL REFERENCES users (uid),
                PRIMARY KEY (gid, uid)
            );
            CREATE INDEX memberships_by_uid ON memberships (uid);
            CREATE TABLE user_keys (
                blob BLOB PRIMARY KEY,
                uid INTEGER NOT NULL REFERENCES users (uid),
                type TEXT NOT NULL,
                fingerprint TEXT NOT NULL,
                comment TEXT NOT NULL,
                added INTEGER NOT NULL,
                last_used INTEGER
            );
            CREATE INDEX user_keys_by_uid ON user_keys (uid);
            -- Hosts and pools share one set of names: both are what one may type after the plus sign.
            CREATE TABLE targets (
                name TEXT PRIMARY KEY,
                kind TEXT NOT NULL CHECK (kind IN ('host', 'pool'))
            );
            CREATE TABLE hosts (
                name TEXT PRIMARY KEY REFERENCES targets (name) ON DELETE CASCADE,
                address TEXT NOT NULL,
                port INTEGER NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
                added INTEGER NOT NULL
            );
            CREATE TABLE host_keys (
                host TEXT NOT NULL REFERENCES hosts (name) ON DELETE CASCADE,
                blob BLOB NOT NULL,
                type TEXT NOT NULL,
                fingerprint TEXT NOT NULL,
                PRIMARY KEY (host, blob)
            );
            CREATE TABLE pools (
                name TEXT PRIMARY KEY REFERENCES targets (name) ON DELETE CASCADE,
                created INTEGER NOT NULL
            );
            CREATE TABLE pool_members (
                pool TEXT NOT NULL REFERENCES pools (name) ON DELETE CASCADE,
                host TEXT NOT NULL REFERENCES hosts (name) ON DELETE CASCADE,
                PRIMARY KEY (pool, host)
            );
            CREATE INDEX pool_members_by_host ON pool_members (host);
            CREATE TABLE grants (
                id INTEGER PRIMARY KEY,
                uid INTEGER REFERENCES users (uid),
                gid INTEGER REFERENCES shared_groups (gid),
                target TEXT NOT NULL REFERENCES targets (name) ON DELETE CASCADE,
                sudo INTEGER NOT NULL,
                forwarding INTEGER NOT NULL,
                agent INTEGER NOT NULL,
                record INTEGER NOT NULL,
                until INTEGER,
                created INTEGER NOT NULL,
                CHECK ((uid IS NULL) <> (gid IS NULL))
            );
            CREATE INDEX grants_by_uid ON grants (uid);
            CREATE INDEX grants_by_gid ON grants (gid);
            CREATE INDEX grants_by_target ON grants (target);
            CREATE TABLE counters (
                name TEXT PRIMARY KEY,
                value INTEGER NOT NULL
            );
            INSERT INTO counters VALUES ('number', 0), ('grant', 0), ('generation', 0);
            """),
        Migration(
            2,
            """
            -- Keys that somebody had and has no more: hosts refuse them wherever else they are written down.
            CREATE TABLE revoked_keys (
                blob BLOB PRIMARY KEY,
                type TEXT NOT NULL,
                fingerprint TEXT NOT NULL,
                revoked INTEGER NOT NULL
            );
            """),
        Migration(
            3,
            """
            ALTER TABLE hosts ADD COLUMN accounts TEXT NOT NULL DEFAULT 'automatic'
                CHECK (accounts IN ('automatic', 'ssm', 'ssh', 'local'));
            CREATE TABLE host_instances (
                host TEXT PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
                id TEXT NOT NULL UNIQUE,
                region TEXT,
                state TEXT NOT NULL CHECK (
                    state IN ('pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated', 'unknown')),
                seen INTEGER,
                platform TEXT,
                tagged_pool TEXT,
                agent INTEGER,
                other_keys TEXT NOT NULL DEFAULT ''
            );
            """),
        Migration(
            4,
            """
            -- Shared folders, the hosts and pools that have them, and the host that walks each.
            CREATE TABLE trees (
                path TEXT PRIMARY KEY,
                gid INTEGER REFERENCES shared_groups (gid),
                scanner TEXT REFERENCES hosts (name) ON DELETE SET NULL,
                created INTEGER NOT NULL
            );
            CREATE TABLE tree_targets (
                tree TEXT NOT NULL REFERENCES trees (path) ON DELETE CASCADE,
                target TEXT NOT NULL REFERENCES targets (name) ON DELETE CASCADE,
                PRIMARY KEY (tree, target)
            );
            CREATE INDEX tree_targets_by_target ON tree_targets (target);
            -- The keys with which watchers deliver: they open nothing else.
            CREATE TABLE watchers (
                host TEXT PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
                type TEXT NOT NULL,
                blob BLOB NOT NULL UNIQUE,
                fingerprint TEXT NOT NULL,
                installed INTEGER NOT NULL
            );
            """),
        Migration(
            5,
            """
            ALTER TABLE host_instances ADD COLUMN address TEXT;
            -- What was imported, so that it can be asked for again.
            CREATE TABLE inventory_sources (
                id INTEGER PRIMARY KEY,
                region TEXT NOT NULL,
                pool_tag TEXT,
                names TEXT NOT NULL CHECK (names IN ('tag', 'id')),
                created INTEGER NOT NULL
            );
            CREATE TABLE inventory_terms (
                source INTEGER NOT NULL REFERENCES inventory_sources (id) ON DELETE CASCADE,
                kind TEXT NOT NULL CHECK (kind IN ('tag', 'instance')),
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (source, kind, key, value)
            ) WITHOUT ROWID;
            -- Instances that were hosts until somebody removed them.
            CREATE TABLE removed_instances (
                id TEXT PRIMARY KEY,
                host TEXT NOT NULL
            ) WITHOUT ROWID;
            INSERT INTO counters VALUES ('source', 0);
            """),
        Migration(
            6,
            """
            ALTER TABLE hosts ADD COLUMN transport TEXT NOT NULL DEFAULT 'automatic'
                CHECK (transport IN ('automatic', 'direct', 'ssm'));
            """),
        Migration(
            7,
            """
            -- Who may ask everything and change nothing.
            ALTER TABLE users ADD COLUMN is_auditor INTEGER NOT NULL DEFAULT 0;
            """),
        Migration(
            8,
            """
            -- Who may have stopped instances started.
            ALTER TABLE grants ADD COLUMN wake INTEGER NOT NULL DEFAULT 0;
            -- After how many idle seconds a host, or each host of a pool, is stopped; 0: never.
            CREATE TABLE idle_policies (
                target TEXT PRIMARY KEY REFERENCES targets (name) ON DELETE CASCADE,
                seconds INTEGER NOT NULL CHECK (seconds >= 0)
            );
            -- Hosts that are not stopped before a moment, and who wants that.
            CREATE TABLE host_keeps (
                host TEXT PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
                until INTEGER NOT NULL,
                who TEXT NOT NULL
            );
            -- Instances that are being started and have not answered yet: none is forgotten when the daemon ends.
            CREATE TABLE wakes (
                host TEXT PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
                instance TEXT NOT NULL,
                started INTEGER NOT NULL,
                who TEXT NOT NULL
            );
            """),
        Migration(
            9,
            """
            -- Hosts that take no new sessions for a while.
            CREATE TABLE host_drains (
                host TEXT PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
                since INTEGER NOT NULL,
                deadline INTEGER,
                message TEXT NOT NULL
            );
            -- The host or pool that somebody has chosen for logins that name none.
            CREATE TABLE pins (
                uid INTEGER PRIMARY KEY REFERENCES users (uid),
                target TEXT NOT NULL REFERENCES targets (name) ON DELETE CASCADE
            );
            CREATE INDEX pins_by_target ON pins (target);
            """),
        Migration(
            10,
            """
            -- Each person's own: nobody takes back what another wants.
            ALTER TABLE host_keeps RENAME TO single_keeps;
            CREATE TABLE host_keeps (
                host TEXT NOT NULL REFERENCES hosts (name) ON DELETE CASCADE,
                who TEXT NOT NULL,
                until INTEGER NOT NULL,
                PRIMARY KEY (host, who)
            ) WITHOUT ROWID;
            INSERT INTO host_keeps SELECT host, who, until FROM single_keeps;
            DROP TABLE single_keeps;
            """),
        Migration(
            11,
            """
            -- CAs outside of Gatehouse whose certificates open logins, and whom they may name; none: everybody.
            CREATE TABLE authorities (
                name TEXT PRIMARY KEY,
                type TEXT NOT NULL,
                blob BLOB NOT NULL UNIQUE,
                fingerprint TEXT NOT NULL,
                added INTEGER NOT NULL
            );
            CREATE TABLE authority_scopes (
                authority TEXT NOT NULL REFERENCES authorities (name) ON DELETE CASCADE,
                number INTEGER NOT NULL REFERENCES numbers (number),
                PRIMARY KEY (authority, number)
            ) WITHOUT ROWID;
            -- Certificates of CAs that open nothing any more, by the CA's fingerprint: they outlive the trust in it.
            CREATE TABLE revoked_certificates (
                authority TEXT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('serial', 'key-id')),
                value TEXT NOT NULL,
                PRIMARY KEY (authority, kind, value)
            ) WITHOUT ROWID;
            -- Keys that nobody may be given again, besides those that were only taken away.
            ALTER TABLE revoked_keys ADD COLUMN is_final INTEGER NOT NULL DEFAULT 0;
            """),
        Migration(
            12,
            """
            -- Who has enrolled for one-time codes: the secret, encrypted with a key that is not here, and the last period of
            -- which a code was given.
            CREATE TABLE totp_enrolments (
                uid INTEGER PRIMARY KEY REFERENCES users (uid),
                sealed BLOB NOT NULL,
                enrolled INTEGER NOT NULL,
                last_step INTEGER NOT NULL
            );
            -- Keyed hashes of those that were not used yet.
            CREATE TABLE recovery_codes (
                uid INTEGER NOT NULL REFERENCES users (uid),
                hash BLOB NOT NULL,
                PRIMARY KEY (uid, hash)
            ) WITHOUT ROWID;
            """),
        Migration(
            13,
            """
            -- Grants for every host have no target. What was granted before stays as it was: any program, and every port in both directions or none.
            ALTER TABLE grants RENAME TO plain_grants;
            DROP INDEX grants_by_uid;
            DROP INDEX grants_by_gid;
            DROP INDEX grants_by_target;
            CREATE TABLE grants (
                id INTEGER PRIMARY KEY,
                uid INTEGER REFERENCES users (uid),
                gid INTEGER REFERENCES shared_groups (gid),
                target TEXT REFERENCES targets (name) ON DELETE CASCADE,
                sudo INTEGER NOT NULL,
                wake INTEGER NOT NULL,
                programs TEXT NOT NULL CHECK (programs IN ('none', 'files', 'all')),
                -- As PortSet writes them.
                ports TEXT NOT NULL,
                remote INTEGER NOT NULL,
                agent INTEGER NOT NULL,
                record INTEGER NOT NULL,
                starts INTEGER,
                until INTEGER,
                -- Hours of the week: a bit for each day, minutes since midnight, and UTC or an offset from it.
                days INTEGER,
                opens INTEGER,
                closes INTEGER,
                zone TEXT,
                created INTEGER NOT NULL,
                CHECK ((uid IS NULL) <> (gid IS NULL)),
                CHECK ((days IS NULL) = (opens IS NULL) AND (days IS NULL) = (closes IS NULL))
            );
            INSERT INTO grants
                SELECT id, uid, gid, target, sudo, wake, 'all', CASE forwarding WHEN 0 THEN '' ELSE 'all' END,
                    forwarding, agent, record, NULL, until, NULL, NULL, NULL, NULL, created
                FROM plain_grants;
            DROP TABLE plain_grants;
            CREATE INDEX grants_by_uid ON grants (uid);
            CREATE INDEX grants_by_gid ON grants (gid);
            CREATE INDEX grants_by_target ON grants (target);
            """),
        Migration(
            14,
            """
            -- Who wants to reach what for a while, and what was decided. The target is what was asked for: there may be nothing of that name.
            CREATE TABLE access_requests (
                id INTEGER PRIMARY KEY,
                uid INTEGER NOT NULL REFERENCES users (uid),
                target TEXT NOT NULL,
                seconds INTEGER NOT NULL,
                why TEXT NOT NULL,
                created INTEGER NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'denied', 'revoked')),
                decider TEXT,
                decided INTEGER,
                answer TEXT NOT NULL,
                granted INTEGER
            );
            CREATE INDEX access_requests_by_uid ON access_requests (uid);
            INSERT INTO counters VALUES ('request', 0);
            """),
        Migration(
            15,
            """
            -- What has to be shown besides a key in a login that makes use of a grant.
            ALTER TABLE grants ADD COLUMN require TEXT NOT NULL DEFAULT ''
                CHECK (require IN ('', 'pam', 'totp', 'pam,totp'));
            """),
        Migration(
            16,
            """
            -- Whether the gateway fetches what the watcher saw, since the host does not reach the gateway.
            ALTER TABLE watchers ADD COLUMN fetched INTEGER NOT NULL DEFAULT 0 CHECK (fetched IN (0, 1));
            """),
        Migration(
            17,
            """
            -- The networks from which a grant can be made use of, and from which a user may log in, as SourceNetworks writes them; empty: all.
            ALTER TABLE grants ADD COLUMN networks TEXT NOT NULL DEFAULT '';
            ALTER TABLE users ADD COLUMN networks TEXT NOT NULL DEFAULT '';
            """),
    ]
}
