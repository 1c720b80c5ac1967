package import FileEvents
internal import SQLite

/// A span in which the book may not know who did what.
package struct KnownGap: Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        case told(Gap.Reason)
        /// Segments between two others never arrived.
        case missingSegments
    }

    package var host: String
    /// The tree's root; nil: all trees of the host.
    package var tree: [UInt8]?
    /// Microseconds since 1970.
    package var since: Int64
    /// Microseconds since 1970.
    package var until: Int64
    package var reason: Reason
    /// How many events, where it is known.
    package var lost: UInt64?
    /// Whether every tree that it concerns has been scanned since: then the state is whole again, and only who and when is missing.
    package var isClosed: Bool
}

extension Book {
    /// The gaps that reach into a span of time, the latest first.
    ///
    /// - Parameters: microseconds since 1970.
    package func gaps(from earliest: Int64 = .min, until latest: Int64 = .max) throws -> [KnownGap] {
        let trees = try trees()
        func isClosed(_ tree: [UInt8]?, _ until: Int64) -> Bool {
            let concerned = trees.filter { tree == nil || $0.path == tree }
            return !concerned.isEmpty && concerned.allSatisfy { ($0.scanned ?? Int64.min) >= until }
        }
        let told = try database.rows(
            """
            SELECT t.host, g.tree, g.since, g.until, g.reason, g.lost FROM event_gaps g
            JOIN event_streams t ON t.id = g.stream WHERE g.until >= ?1 AND g.since <= ?2
            UNION ALL SELECT host, tree, since, until, reason, lost FROM event_silences
            WHERE until >= ?1 AND since <= ?2
            """, [earliest, latest]
        ) { row in
            let tree = row.optional(1, row.blob)
            let reason = Gap.Reason(rawValue: UInt8(truncatingIfNeeded: row.integer(4))) ?? .silence
            return KnownGap(
                host: row.text(0), tree: tree, since: row.integer(2), until: row.integer(3),
                reason: .told(reason), lost: row.optional(5) { UInt64(clamping: row.integer($0)) },
                isClosed: isClosed(tree, row.integer(3)))
        }
        let holes = try holes(after: earliest).filter { $0.since <= latest }.map { hole in
            KnownGap(
                host: hole.host, tree: nil, since: hole.since, until: hole.until, reason: .missingSegments,
                lost: hole.count, isClosed: isClosed(nil, hole.until))
        }
        return (told + holes).sorted { ($0.until, $0.host) > ($1.until, $1.host) }
    }

    /// The trees in which something was missed since they were walked last; true: what was told before is lost.
    ///
    /// - Parameters:
    ///   - paths: the trees that are asked about; what the book does not know is left out.
    ///   - hosts: the trees that each host has: a gap of no tree in particular is one of all of them.
    package func missedWalks(
        of paths: Set<[UInt8]>, on hosts: [String: Set<[UInt8]>]
    ) throws -> [[UInt8]: Bool] {
        let trees = try trees().filter { paths.contains($0.path) }
        guard let earliest = trees.map({ $0.scanned ?? .min }).min() else { return [:] }
        var missed: [[UInt8]: Bool] = [:]
        // Who is silent has missed nothing yet.
        for gap in try gaps(from: earliest) where gap.reason != .told(.silence) {
            for tree in trees where tree.scanned ?? .min < gap.until {
                guard gap.tree.map({ $0 == tree.path }) ?? hosts[gap.host]?.contains(tree.path) ?? false
                else { continue }
                missed[tree.path] = missed[tree.path] ?? false || gap.reason == .missingSegments
            }
        }
        return missed
    }

    /// Records of a stream that never arrived though later ones did.
    struct Hole: Equatable {
        var host: String
        var since: Int64
        var until: Int64
        var count: UInt64
    }

    /// Computed from what was received, so that what comes late fills them.
    ///
    /// - Parameter earliest: only those that end later, in microseconds since 1970.
    func holes(after earliest: Int64) throws -> [Hole] {
        let rows = try database.rows(
            """
            SELECT t.host, s.stream, min(s.created, s.received * 1000), s.first, coalesce((
                SELECT max(p.last) FROM event_segments p WHERE p.stream = s.stream AND p.last < s.first), 0) + 1 AS expected
            FROM event_segments s JOIN event_streams t ON t.id = s.stream
            WHERE s.created >= ?1 AND s.received >= ?1 / 1000 AND t.stream = ?2 AND s.first <= s.last AND s.first > expected
            """, [earliest, Int64(SegmentHeader.Stream.events.rawValue)]
        ) { row in
            (
                host: row.text(0), stream: row.integer(1), until: row.integer(2), first: row.integer(3),
                expected: row.integer(4)
            )
        }
        return try rows.map { row in
            let since = try database.first(
                "SELECT coalesce(latest, min(created, received * 1000)) FROM event_segments WHERE stream = ?1 AND last = ?2",
                [row.stream, row.expected - 1]
            ) { $0.integer(0) }
            return Hole(
                host: row.host, since: since ?? row.until, until: row.until,
                count: UInt64(clamping: row.first - row.expected))
        }
    }
}
