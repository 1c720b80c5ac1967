import FileEvents
import Glibc
import Ownership
import SSHKeys
import Support

/// Many files made, written, renamed and deleted, as segments of a host.
enum Storm {
    private static let tree = Array("/shared/storm".utf8)

    /// Writes segments and the public key that proves them.
    static func make(_ folder: String, _ segments: Int, _ events: Int, _ seed: UInt64) throws {
        let key = try PrivateKey.generate()
        try write(Array(key.publicKey.line.utf8), to: "\(folder)/key.pub")
        var previous = SegmentHeader.noPrevious
        var sequence: UInt64 = 1
        var state = seed
        var inode: UInt64 = 1_000
        var time: Int64 = 1_690_000_000_000_000
        for number in 1...max(1, segments) {
            var writer = SegmentWriter(
                SegmentHeader(
                    host: "storm", boot: [UInt8](repeating: 9, count: 16), stream: .events,
                    number: UInt64(number), firstSequence: sequence, previous: previous, created: time))
            var bytes = writer.start
            for _ in 0..<events {
                time += 40
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                writer.append(record(Int(state >> 33), &inode, time))
                if writer.frameIsFull { bytes += try writer.takeFrame() }
                sequence += 1
            }
            let end = try writer.finish(key)
            previous = end.hash
            try write(bytes + end.bytes, to: "\(folder)/\(padded(number)).segment")
        }
    }

    /// Ten creations to one renaming and one deletion, as the benchmark of collectors has it.
    private static func record(_ dice: Int, _ inode: inout UInt64, _ time: Int64) -> Record {
        let actor = Actor(
            uid: 20_000 + UInt32(dice % 50), loginUID: 20_000 + UInt32(dice % 50), auditSession: 7,
            pid: 4_000 + UInt32(dice % 90), command: Array("storm".utf8),
            executable: Array("/usr/local/bin/storm".utf8), origin: .login,
            session: "01JD0000000000000000000\(100 + dice % 50)")
        let directory = Array("project-\(dice / 64 % 40)/run-\(dice / 4_096 % 20)".utf8)
        let isNew = dice % 12 < 10
        if isNew { inode += 1 }
        let number = isNew ? inode : max(1_001, inode - UInt64(dice % 500))
        let name = Array("file-\(number).dat".utf8)
        let uid = 20_000 + UInt32(number % 50)
        let stat = FileStat(
            inode: number, mode: 0o100644, uid: uid, gid: 20_100, links: 1, size: UInt64(dice % 100_000),
            blocks: 8, modified: time * 1_000 - 900, changed: time * 1_000 - 900)
        if isNew {
            return .event(
                FileEvent(
                    time: time, kind: .created, tree: tree, directory: directory, name: name, stat: stat,
                    actor: actor))
        }
        if dice % 12 == 10 {
            return .event(
                FileEvent(
                    time: time, kind: .renamed, tree: tree, directory: directory, name: name,
                    destination: FileEvent.Destination(directory: directory, name: name + Array(".old".utf8)),
                    stat: stat, actor: actor))
        }
        return .event(
            FileEvent(time: time, kind: .deleted, tree: tree, directory: directory, name: name, actor: actor))
    }

    /// Takes what the folder holds, in its order; says each number once it is in.
    static func ingest(_ path: String, from folder: String) throws {
        let line = String(decoding: try read("\(folder)/key.pub"), as: UTF8.self)
        let key = try PublicKey.parse(line)
        let book = try Book(path: path)
        var events = 0
        let start = MonotonicTime.now
        var number = 1
        while unsafe access("\(folder)/\(padded(number)).segment", R_OK) == 0 {
            let segment = try SegmentReader(try read("\(folder)/\(padded(number)).segment"), signedBy: key)
            let outcome = try book.ingest(segment)
            if case .taken(let count, _) = outcome { events += count }
            // Not through a buffer: what is said is in the book.
            try Descriptor(adopting: try SystemError.check(dup(1), "dup")).writeAll(
                Array("\(number) \(outcome)\n".utf8))
            number += 1
        }
        let elapsed = (MonotonicTime.now - start).milliseconds
        print("events \(events) milliseconds \(elapsed)")
    }

    /// Everything that the book knows, in an order that does not depend on how it came there.
    static func dump(_ path: String) throws {
        let book = try Book(path: path)
        var lines: [String] = []
        try book.read {
            lines += try book.changes(from: .min, limit: .max / 4) { _ in true }.map { "\($0)" }
            lines += try book.gaps().map { "\($0)" }
            lines += try book.usage().map { "\($0)" }
            for tree in try book.trees() {
                if let root = try book.root(of: tree.id) { try walk(root.id, book, &lines) }
            }
        }
        for line in lines.sorted() { print(line) }
    }

    private static func walk(_ id: DirectoryID, _ book: Book, _ lines: inout [String]) throws {
        let path = PathText.shown(try book.path(of: id).path)
        for entry in try book.entries(of: id) {
            lines.append("\(path) \(entry)")
            if entry.stat.isDirectory, let row = try book.directory(entry.name, in: id) {
                try walk(row.id, book, &lines)
            }
        }
    }

    static func expire(_ path: String, before seconds: Int64) throws {
        let book = try Book(path: path)
        let start = MonotonicTime.now
        var removed = 0
        while true {
            let count = try book.expireEvents(before: seconds * 1_000_000, limit: 50_000)
            if count.isDone { break }
            removed += count.removed
        }
        print("removed \(removed) milliseconds \((MonotonicTime.now - start).milliseconds)")
    }

    // MARK: Files

    private static func padded(_ number: Int) -> String {
        String(repeating: "0", count: max(0, 8 - String(number).count)) + String(number)
    }

    static func read(_ path: String) throws -> [UInt8] {
        try Descriptor.open(path, O_RDONLY).readAll(limit: 64 << 20)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let number = unsafe open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
        try Descriptor(adopting: try SystemError.check(number, "create \(path)")).writeAll(bytes)
    }
}
