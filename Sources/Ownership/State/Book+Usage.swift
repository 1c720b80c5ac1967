internal import SQLite

/// What an owner and group have in a tree.
package struct Usage: Equatable, Sendable {
    package var tree: TreeID
    package var uid: UInt32
    package var gid: UInt32
    package var figures: Figures
}

extension Book {
    /// The totals of now.
    ///
    /// - Parameter tree: nil: of all trees.
    package func usage(of tree: TreeID? = nil) throws -> [Usage] {
        try database.rows(
            """
            SELECT tree, uid, gid, files, directories, bytes, blocks FROM total WHERE ?1 IS NULL OR tree = ?1
            ORDER BY tree, uid, gid
            """, [tree], Self.usage)
    }

    /// The totals as they were last noted on a day or before it.
    ///
    /// - Parameter day: days since 1970.
    package func usage(of tree: TreeID, on day: Int64) throws -> [Usage] {
        try database.rows(
            """
            SELECT tree, uid, gid, files, directories, bytes, blocks FROM usage
            WHERE tree = ?1 AND day = (SELECT max(day) FROM usage WHERE tree = ?1 AND day <= ?2) ORDER BY uid, gid
            """, [tree, day], Self.usage)
    }

    /// The days on which totals were noted, in days since 1970, oldest first.
    package func usageDays(of tree: TreeID) throws -> [Int64] {
        try database.rows("SELECT DISTINCT day FROM usage WHERE tree = ?1 ORDER BY day", [tree]) {
            $0.integer(0)
        }
    }

    /// Notes the totals of now as those of the day, instead of earlier ones of that day. Within `write`.
    ///
    /// - Parameter time: microseconds since 1970.
    package func noteUsage(of tree: TreeID, at time: Int64) throws {
        try flushTotals()
        let day = time / 86_400_000_000
        try database.run("DELETE FROM usage WHERE tree = ?1 AND day = ?2", tree, day)
        try database.run(
            """
            INSERT INTO usage SELECT tree, ?2, uid, gid, files, directories, bytes, blocks FROM total WHERE tree = ?1
            """, tree, day)
    }

    private static func usage(_ row: Statement) -> Usage {
        Usage(
            tree: row.integer(0), uid: row.number(1), gid: row.number(2),
            figures: Figures(
                files: row.integer(3), directories: row.integer(4), bytes: row.integer(5),
                blocks: row.integer(6)))
    }
}
