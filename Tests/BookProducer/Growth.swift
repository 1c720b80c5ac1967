import FileEvents
import Ownership
import SSHKeys
import Support

/// Books of any size, without the files: directories as a scan would report them, and events of some of their files.
enum Growth {
    private static let tree = Array("/shared/grown".utf8)
    private static let people: UInt32 = 50
    private static let firstUID: UInt32 = 20_001
    /// As facts about trees of work say: most directories are small, and a quarter of all files is in big ones.
    private static let filesPerDirectory = 16
    private static let filesPerBigDirectory = 2_000
    /// Of so many directories one has events.
    private static let watched = 50

    /// A directory that is to be made, and how many files it has.
    private struct Place {
        var path: [UInt8]
        var inode: UInt64
        var uid: UInt32
        var files: Int
        var directories: [(name: [UInt8], inode: UInt64, uid: UInt32)] = []
    }

    static func grow(_ path: String, files: Int) throws {
        let book = try Book(path: path)
        let start = MonotonicTime.now
        let tree = try book.write { try book.makeTree(Self.tree) }
        let scan = try book.write { try book.beginScan(of: tree, at: Book.now) }
        let look = book.look(scan, tree, followsMoves: false)
        var inode: UInt64 = 2
        var made = 0
        var storm = try EventSource()
        var top = Place(path: [], inode: 1, uid: 0, files: 0)
        for person in 0..<people {
            inode += 1
            top.directories.append((Array("u\(person)".utf8), inode, firstUID + person))
        }
        try book.write {
            _ = try put(top, &inode, book, look)
        }
        for (name, number, uid) in top.directories {
            // Projects of a hundred directories each, and a few big ones.
            var places = [Place(path: name, inode: number, uid: uid, files: 0)]
            let share = files / Int(people)
            var rest = share
            while rest > 0 {
                inode += 1
                let project = places.count
                let isBig = rest <= share / 4
                let title = Array("project-\(project)".utf8)
                places[0].directories.append((title, inode, uid))
                places.append(Place(path: name + [0x2F] + title, inode: inode, uid: uid, files: 0))
                for run in 0..<(isBig ? 1 : 100) where rest > 0 {
                    inode += 1
                    let count = min(rest, isBig ? filesPerBigDirectory : filesPerDirectory)
                    let label = Array("run-\(run)".utf8)
                    places[project].directories.append((label, inode, uid))
                    places.append(
                        Place(
                            path: places[project].path + [0x2F] + label, inode: inode, uid: uid, files: count)
                    )
                    rest -= count
                }
                if places.count > 20_000 {
                    made += try put(places[1...], &inode, &storm, book, look)
                    places.removeLast(places.count - 1)
                }
            }
            made += try put(places[1...], &inode, &storm, book, look)
            try book.write { _ = try put(places[0], &inode, book, look) }
        }
        try book.write { try book.finishScan(scan, at: Book.now) }
        let took = (MonotonicTime.now - start).milliseconds
        let events = try storm.finish(book)
        print(
            "files \(made) directories \(try book.directoryCount(of: tree.id)) events \(events) milliseconds \(took)"
        )
    }

    private static func put(
        _ places: ArraySlice<Place>, _ inode: inout UInt64, _ storm: inout EventSource, _ book: Book,
        _ look: Look
    ) throws -> Int {
        var made = 0
        try book.write {
            for place in places {
                let entries = try put(place, &inode, book, look)
                made += place.files
                if place.files > 0, Int(place.inode) % watched == 0 {
                    storm.add(entries, in: place.path, of: place.uid)
                }
            }
        }
        try storm.deliver(to: book)
        return made
    }

    /// Reports one directory.
    @discardableResult
    private static func put(
        _ place: Place, _ inode: inout UInt64, _ book: Book, _ look: Look
    ) throws -> [FileEntry] {
        var entries: [FileEntry] = []
        for index in 0..<place.files {
            inode += 1
            let time =
                1_700_000_000_000_000_000 + Int64(truncatingIfNeeded: inode &* 0x9E37_79B9_7F4A % 60_000_000)
                * 1_000_000_007
            // One in twenty changed hands.
            let uid = inode % 20 == 0 ? firstUID + UInt32(inode / 20 % UInt64(people)) : place.uid
            entries.append(
                FileEntry(
                    name: Array("data_\(index)_\(inode % 977).csv".utf8),
                    stat: stat(inode, mode: 0o100644, uid: uid, size: inode &* 7_919 % 200_000, at: time)))
        }
        for directory in place.directories {
            entries.append(
                FileEntry(
                    name: directory.name,
                    stat: stat(directory.inode, mode: 0o040755, uid: directory.uid, size: 4_096, at: 0)))
        }
        try book.replaceDirectory(
            place.path, stat: stat(place.inode, mode: 0o040755, uid: place.uid, size: 4_096, at: 0),
            accessList: [],
            entries: entries, asOf: Book.now, look)
        return entries
    }

    private static func stat(
        _ inode: UInt64, mode: UInt32, uid: UInt32, size: UInt64, at time: Int64
    ) -> FileStat {
        FileStat(
            inode: inode, mode: mode, uid: uid, gid: uid, links: 1, size: size,
            blocks: (size + 4_095) / 4_096 * 8,
            modified: time, changed: time)
    }

    /// What a host tells of some of the files: each written by somebody, some of them twice.
    private struct EventSource {
        private let key: PrivateKey
        private var records: [Record] = []
        private var previous = SegmentHeader.noPrevious
        private var number: UInt64 = 1
        private var sequence: UInt64 = 1
        private var time: Int64 = 1_790_000_000_000_000
        private var count = 0

        init() throws {
            key = try PrivateKey.generate()
        }

        mutating func add(_ entries: [FileEntry], in directory: [UInt8], of uid: UInt32) {
            for (index, entry) in entries.enumerated() {
                for turn in 0...(index % 2) {
                    let writer = uid + UInt32(turn)
                    time += 50
                    records.append(
                        .event(
                            FileEvent(
                                time: time, kind: .written, tree: tree, directory: directory,
                                name: entry.name,
                                stat: entry.stat,
                                actor: Actor(
                                    uid: writer, loginUID: writer, auditSession: 3, pid: 7,
                                    command: Array("python3".utf8),
                                    executable: Array("/usr/bin/python3".utf8),
                                    origin: .login, session: "01JD0000000000000000\(writer)"))))
                }
            }
        }

        mutating func deliver(to book: Book) throws {
            while !records.isEmpty {
                var writer = SegmentWriter(
                    SegmentHeader(
                        host: "grown", boot: [UInt8](repeating: 3, count: 16), stream: .events,
                        number: number,
                        firstSequence: sequence, previous: previous, created: time))
                var bytes = writer.start
                let part = records.prefix(20_000)
                for record in part {
                    writer.append(record)
                    if writer.frameIsFull { bytes += try writer.takeFrame() }
                }
                let end = try writer.finish(key)
                _ = try book.ingest(try SegmentReader(bytes + end.bytes, signedBy: key.publicKey))
                previous = end.hash
                number += 1
                sequence += UInt64(part.count)
                count += part.count
                records.removeFirst(part.count)
            }
        }

        mutating func finish(_ book: Book) throws -> Int {
            try deliver(to: book)
            return count
        }
    }
}
