import FileEvents
internal import SQLite

/// Parts of the reports on big directories, until all of them are there: a segment may end between two, and come late.
///
/// Lives as long as the transaction of one segment; what is incomplete then waits in a table.
final class ReportParts {
    /// Parts of one reading of one directory.
    private struct Reading: Hashable {
        var tree: [UInt8]
        var path: [UInt8]
        var time: Int64
    }

    private struct Part {
        var entries: [FileEntry]
        var isLast: Bool
    }

    private let database: Database
    private let packer: DirectoryPacker
    private let stream: Int64
    private var waiting: [Reading: [UInt32: Part]] = [:]

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
        let reading = Reading(tree: report.tree, path: report.path, time: report.time)
        var parts = try waiting[reading] ?? stored(reading)
        parts[report.part] = Part(entries: report.entries, isLast: report.isLast)
        guard let last = parts.first(where: { $0.value.isLast })?.key, parts.count == Int(last) + 1,
            parts.keys.allSatisfy({ $0 <= last })
        else {
            waiting[reading] = parts
            return nil
        }
        waiting[reading] = nil
        try database.run(
            "DELETE FROM event_report_parts WHERE stream = ?1 AND tree = ?2 AND path = ?3 AND time = ?4",
            stream,
            reading.tree, reading.path, reading.time)
        var whole = report
        whole.part = 0
        whole.isLast = true
        whole.entries = parts.sorted { $0.key < $1.key }.flatMap(\.value.entries)
        return whole
    }

    private func stored(_ reading: Reading) throws -> [UInt32: Part] {
        let rows = try database.rows(
            """
            SELECT part, is_last, contents FROM event_report_parts
            WHERE stream = ?1 AND tree = ?2 AND path = ?3 AND time = ?4
            """, [stream, reading.tree, reading.path, reading.time]
        ) { (number: $0.number(0) as UInt32, isLast: $0.boolean(1), contents: $0.blob(2)) }
        return try Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (row.number, Part(entries: try PackedPartReader.entries(row.contents), isLast: row.isLast))
            })
    }

    /// Puts what is incomplete into the table.
    func keep() throws {
        for (reading, parts) in waiting {
            for (number, part) in parts {
                let stat = FileStat(
                    inode: 0, mode: 0, uid: 0, gid: 0, links: 0, size: 0, blocks: 0, modified: 0, changed: 0)
                let packed = packer.pack(part.entries, stat: stat, time: reading.time)
                try database.run(
                    "INSERT OR REPLACE INTO event_report_parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", stream,
                    reading.tree, reading.path, reading.time, number, part.isLast,
                    packed.parts.first?.bytes ?? [])
            }
        }
        waiting = [:]
    }

    /// Gives up on what is older than a moment, in microseconds since 1970.
    func forget(tree: [UInt8], before time: Int64) throws {
        try database.run(
            "DELETE FROM event_report_parts WHERE stream = ?1 AND tree = ?2 AND time < ?3", stream, tree, time
        )
    }
}
