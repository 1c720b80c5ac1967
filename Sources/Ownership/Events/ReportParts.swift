import FileEvents
internal import SQLite

/// Parts of the reports on big directories, until all of them are there: a segment may end between two, and come late.
///
/// Lives as long as the transaction of one segment; what is incomplete then waits in a table. Each part is written there once at the
/// most, and read when it was the last that was missing.
final class ReportParts {
    /// No directory has more parts; what a host tells beyond that is left out.
    private static let partLimit: UInt32 = 8_192
    /// So many readings of a host's stream may wait for their parts.
    private static let readingLimit = 64

    /// Parts of one reading of one directory.
    private struct Reading: Hashable {
        var stream: Int64
        var tree: [UInt8]
        var path: [UInt8]
        var time: Int64
    }

    /// What has come of a reading.
    private struct Waiting {
        /// How many parts are in the table.
        var storedCount = 0
        /// The parts that this segment brought.
        var parts: [UInt32: [FileEntry]] = [:]
        /// The highest number of a part.
        var highest: UInt32 = 0
        /// The number of the part that says that it is the last.
        var last: UInt32?

        var isComplete: Bool {
            last.map { $0 == highest && storedCount + parts.count == Int($0) + 1 } ?? false
        }
    }

    private let database: Database
    private let packer: DirectoryPacker
    private let stream: Int64
    private var waiting: [Reading: Waiting] = [:]

    init(_ database: Database, _ packer: DirectoryPacker, stream: Int64) {
        self.database = database
        self.packer = packer
        self.stream = stream
    }

    /// Takes a part.
    ///
    /// - Returns: the whole report, if this was what was missing.
    func add(_ report: DirectoryReport) throws -> DirectoryReport? {
        if report.part == 0, report.isLast { return report }
        guard report.part < Self.partLimit else { return nil }
        let reading = Reading(stream: stream, tree: report.tree, path: report.path, time: report.time)
        guard waiting[reading] != nil || waiting.count < Self.readingLimit else { return nil }
        var found = try waiting.removeValue(forKey: reading) ?? stored(reading)
        if try found.storedCount == 0 || !isStored(report.part, of: reading) {
            found.parts[report.part] = report.entries
            found.highest = max(found.highest, report.part)
            if report.isLast { found.last = max(found.last ?? 0, report.part) }
        }
        guard found.isComplete else {
            waiting[reading] = found
            return nil
        }
        var parts = found.parts
        if found.storedCount > 0 {
            for part in try storedParts(of: reading) { parts[part.number] = part.entries }
            try remove(reading)
        }
        var whole = report
        whole.part = 0
        whole.isLast = true
        whole.entries = parts.sorted { $0.key < $1.key }.flatMap(\.value)
        return whole
    }

    /// Puts what is incomplete into the table, and gives up on the oldest if that is too much.
    func keep() throws {
        if waiting.isEmpty { return }
        for (reading, found) in waiting {
            for (number, entries) in found.parts {
                let stat = FileStat(
                    inode: 0, mode: 0, uid: 0, gid: 0, links: 0, size: 0, blocks: 0, modified: 0, changed: 0)
                let packed = packer.pack(entries, stat: stat, time: reading.time)
                try database.run(
                    "INSERT INTO event_report_parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", stream,
                    reading.tree,
                    reading.path, reading.time, number, number == found.last, packed.parts.first?.bytes ?? [])
            }
        }
        let stored = try database.rows(
            """
            SELECT DISTINCT stream, tree, path, time FROM event_report_parts
            WHERE stream IN (\(Self.streams)) ORDER BY time
            """, [stream]
        ) { Reading(stream: $0.integer(0), tree: $0.blob(1), path: $0.blob(2), time: $0.integer(3)) }
        let older = stored.filter { waiting[$0] == nil }
        for reading in older.prefix(max(0, stored.count - Self.readingLimit)) { try remove(reading) }
        waiting = [:]
    }

    /// Gives up on what is older than a moment, in microseconds since 1970, also of other boots of the host.
    func forget(tree: [UInt8], before time: Int64) throws {
        waiting = waiting.filter { $0.key.tree != tree || $0.key.time >= time }
        try database.run(
            "DELETE FROM event_report_parts WHERE stream IN (\(Self.streams)) AND tree = ?2 AND time < ?3",
            stream, tree, time)
    }

    // MARK: The table

    /// The streams of this name of the host, whichever boot they are of; ?1 is one of them.
    private static let streams =
        "SELECT b.id FROM event_streams a JOIN event_streams b USING (host, stream) WHERE a.id = ?1"

    private func stored(_ reading: Reading) throws -> Waiting {
        let found = try database.first(
            """
            SELECT count(*), max(part), max(CASE WHEN is_last THEN part END) FROM event_report_parts
            WHERE stream = ?1 AND tree = ?2 AND path = ?3 AND time = ?4
            """, [reading.stream, reading.tree, reading.path, reading.time]
        ) { row in
            Waiting(
                storedCount: Int(row.integer(0)), highest: row.number(1), last: row.optional(2, row.number))
        }
        return found ?? Waiting()
    }

    private func isStored(_ part: UInt32, of reading: Reading) throws -> Bool {
        try database.first(
            """
            SELECT 1 FROM event_report_parts
            WHERE stream = ?1 AND tree = ?2 AND path = ?3 AND time = ?4 AND part = ?5
            """, [reading.stream, reading.tree, reading.path, reading.time, part]
        ) { _ in true } ?? false
    }

    private func storedParts(of reading: Reading) throws -> [(number: UInt32, entries: [FileEntry])] {
        let rows = try database.rows(
            """
            SELECT part, contents FROM event_report_parts
            WHERE stream = ?1 AND tree = ?2 AND path = ?3 AND time = ?4
            """, [reading.stream, reading.tree, reading.path, reading.time]
        ) { (number: $0.number(0) as UInt32, contents: $0.blob(1)) }
        return try rows.map { ($0.number, try PackedPartReader.entries($0.contents)) }
    }

    private func remove(_ reading: Reading) throws {
        try database.run(
            "DELETE FROM event_report_parts WHERE stream = ?1 AND tree = ?2 AND path = ?3 AND time = ?4",
            reading.stream, reading.tree, reading.path, reading.time)
    }
}
