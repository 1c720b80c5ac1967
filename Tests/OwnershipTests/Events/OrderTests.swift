import FileEvents
import Ownership
import SQLite
import Support
import TestSupport
import Testing

/// A small world of files in which two hosts do things, and what they tell of it.
private struct World {
    private var random: SeededGenerator
    /// What each path leads to.
    private(set) var files: [String: FileStat] = [:]
    private var nextInode: UInt64 = 100
    private var time = 1.0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// Something happens, and is told by who saw it.
    mutating func step() -> Record {
        time += Double.random(in: 0.000_1...0.3, using: &random)
        let folder = ["", "a/", "b/"].randomElement(using: &random) ?? ""
        let path = folder + "f\(Int.random(in: 0..<6, using: &random))"
        let uid = UInt32.random(in: 20_000...20_003, using: &random)
        let actor = Actor(
            uid: uid, loginUID: uid, auditSession: uid, pid: UInt32.random(in: 1...900, using: &random),
            command: Array("sh".utf8), origin: .login, session: "01JD00000000000000000\(uid)")
        guard var stat = files[path] else {
            nextInode += 1
            let stat = Sample.stat(inode: nextInode, uid: uid, size: nextInode, at: time)
            files[path] = stat
            return Sample.event(.created, path, at: time, stat: stat, by: actor)
        }
        stat.changed = Sample.time(time) * 1_000
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            files[path] = nil
            return Sample.event(.deleted, path, at: time, by: actor)
        case 1:
            stat.uid = uid
            files[path] = stat
            return Sample.event(.ownerChanged, path, at: time, stat: stat, by: actor)
        case 2:
            stat.mode = Bool.random(using: &random) ? 0o100600 : 0o100664
            files[path] = stat
            return Sample.event(.modeChanged, path, at: time, stat: stat, by: actor)
        case 3:
            let target =
                (["", "a/", "b/"].randomElement(using: &random) ?? "")
                + "f\(Int.random(in: 6..<9, using: &random))"
            files[path] = nil
            files[target] = stat
            return Sample.event(.renamed, path, to: target, at: time, stat: stat, by: actor)
        default:
            stat.size += 1
            stat.modified = stat.changed
            files[path] = stat
            return Sample.event(.written, path, at: time, stat: stat, by: actor)
        }
    }
}

@Suite("The same events in any order")
struct OrderTests {
    /// The segments of two hosts, whose events are one story.
    private func story(seed: UInt64, events: Int) throws -> (
        segments: [SegmentReader], files: [String: FileStat]
    ) {
        var world = World(seed: seed)
        var random = SeededGenerator(seed: seed &+ 1)
        let hosts = [try TestHost("communal1"), try TestHost("communal2")]
        var waiting: [[Record]] = [[], []]
        var segments: [SegmentReader] = []
        for number in 0..<events {
            let host = Int.random(in: 0...1, using: &random)
            waiting[host].append(world.step())
            if number % 17 == 0 {
                waiting[host].append(
                    .gap(
                        Gap(
                            tree: Sample.tree, from: Int64(number), until: Int64(number) + 5,
                            reason: .overflow)))
            }
            if waiting[host].count >= Int.random(in: 1...12, using: &random) {
                segments.append(try hosts[host].segment(waiting[host]))
                waiting[host] = []
            }
        }
        for host in 0...1 where !waiting[host].isEmpty {
            segments.append(try hosts[host].segment(waiting[host]))
        }
        return (segments, world.files)
    }

    /// Everything that a book says, whatever numbers its rows have.
    private func contents(_ book: Book, at path: String) throws -> [String] {
        var lines: [String] = []
        let tree = try #require(try book.tree(Sample.tree))
        let moments = try book.changes(from: .min, limit: .max / 4) { _ in true }
        lines += moments.map { "\($0)" }.sorted()
        lines += try book.gaps().map { "\($0)" }.sorted()
        lines += try book.usage().map { "\($0)" }
        for folder in ["", "a", "b"] {
            guard let row = try book.directory(at: Array(folder.utf8), in: tree.id) else { continue }
            for entry in try book.entries(of: row.id) {
                lines.append("\(folder)/\(entry)")
                let file = Array(folder.utf8) + (folder.isEmpty ? [] : Array("/".utf8)) + entry.name
                lines += try book.history(of: file, in: tree, limit: 1_000).map { "\(folder) \($0)" }
                lines += try book.writers(of: file, in: tree, limit: 1_000).map { "\(folder) \($0)" }
            }
            lines.append("\(folder) \(row.figures) \(try book.beneath(row.id))")
        }
        let database = try Database(path: path)
        for table in [
            "file_events", "event_names", "event_gaps", "event_actors", "event_directories",
            "event_attributes",
            "event_segments", "event_streams", "own", "total", "linked", "change",
        ] {
            let count = try database.first("SELECT count(*) FROM \(table)") { $0.integer(0) } ?? -1
            lines.append("\(table): \(count)")
        }
        lines += try database.rows(
            "SELECT uid, files, bytes, oldest, newest, biggest FROM own ORDER BY 1, 2, 3, 4, 5, 6"
        ) { row in
            (0..<6).map { String(row.integer($0)) }.joined(separator: " ")
        }
        return lines
    }

    @Test("any permutation, with repetitions, makes the same book", arguments: 1...12 as ClosedRange<UInt64>)
    func permutations(_ seed: UInt64) throws {
        let (segments, files) = try story(seed: seed, events: 150)
        let straight = try TestBook()
        for segment in segments {
            #expect(try straight.book.ingest(segment) != .repeated)
        }
        let expected = try contents(straight.book, at: straight.folder.file)

        var random = SeededGenerator(seed: seed &+ 2)
        for _ in 0..<4 {
            let shuffled = try TestBook()
            let repeated = (0..<segments.count / 3).compactMap { _ in segments.randomElement(using: &random) }
            for segment in (segments + repeated).shuffled(using: &random) {
                _ = try shuffled.book.ingest(segment, acceptingHole: true)
            }
            let found = try contents(shuffled.book, at: shuffled.folder.file)
            #expect(found == expected)
        }

        // And it is the truth.
        let tree = try straight.tree
        for (path, stat) in files {
            #expect(try straight.book.owner(of: Array(path.utf8), in: tree)?.stat == stat, "\(path)")
        }
        let known = try straight.book.usage().reduce(0) { $0 + $1.figures.files }
        #expect(known == Int64(files.count))
    }
}
