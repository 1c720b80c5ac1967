package import FileEvents
internal import SQLite

/// How much of what changed the book can explain.
package struct CoverageFigure: Equatable, Sendable {
    /// Changes that a host saw happen.
    package var events: Int64
    /// Differences between scans that an event explains.
    package var explained: Int64
    /// Differences between scans that nothing explains: nobody watched.
    package var unexplained: Int64

    /// Unexplained of all changes, in millionths; nil: nothing changed.
    package var unexplainedMillionths: Int64? {
        let all = events + unexplained
        return all == 0 ? nil : unexplained * 1_000_000 / all
    }
}

/// How a host watches a tree.
package struct TreeCoverage: Equatable, Sendable {
    package var host: String
    package var tree: [UInt8]
    package var extent: Coverage.Extent
    package var fileSystem: String
    /// Since when, in microseconds since 1970.
    package var since: Int64
}

extension Book {
    /// How much of the changes in a span of time is explained.
    ///
    /// - Parameters: microseconds since 1970.
    package func coverageFigure(from earliest: Int64, until latest: Int64) throws -> CoverageFigure {
        let changes =
            try database.first(
                "SELECT count(event), count(*) FROM change WHERE until BETWEEN ?1 AND ?2", [earliest, latest]
            ) { (explained: $0.integer(0), all: $0.integer(1)) } ?? (explained: 0, all: 0)
        let events = try EventReader(database).count(EventFilter(earliest: earliest, latest: latest))
        return CoverageFigure(
            events: events, explained: changes.explained, unexplained: changes.all - changes.explained)
    }

    /// How each host watches each tree, as it said last.
    package func treeCoverage() throws -> [TreeCoverage] {
        try database.rows(
            """
            SELECT host, tree, extent, file_system, time FROM (
                SELECT t.host AS host, c.tree AS tree, c.extent AS extent, c.file_system AS file_system,
                    c.time AS time, row_number() OVER (
                        PARTITION BY t.host, c.tree ORDER BY c.time DESC, c.sequence DESC) AS place
                FROM event_coverage c JOIN event_streams t ON t.id = c.stream
            ) WHERE place = 1 ORDER BY tree, host
            """
        ) { row in
            TreeCoverage(
                host: row.text(0), tree: row.blob(1),
                extent: Coverage.Extent(rawValue: UInt8(truncatingIfNeeded: row.integer(2))) ?? .none,
                fileSystem: row.text(3), since: row.integer(4))
        }
    }
}
