import FileEvents
import Ownership
import Support
import Testing

@Suite("Taking segments into the book")
struct IngestionTests {
    @Test("a new file has its owner at once, before any scan")
    func ownerOfNewFile() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let taken = try test.book.ingest(
            try host.segment([
                Sample.event(.created, "data/new.csv", at: 1, stat: Sample.stat(inode: 5, size: 0, at: 1)),
                Sample.event(.written, "data/new.csv", at: 2, stat: Sample.stat(inode: 5, size: 99, at: 2)),
            ]))
        #expect(taken == .taken(events: 2, records: 2))
        let answer = try #require(try test.book.owner(of: Array("data/new.csv".utf8), in: try test.tree))
        #expect(answer.stat.uid == 20_000)
        #expect(answer.stat.size == 99)
        #expect(answer.basis == .event)
        #expect(answer.known == Sample.time(2))
    }

    @Test("a segment that comes again changes nothing, and what follows is taken")
    func repeated() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let first = try host.segment([Sample.event(.created, "a", at: 1, stat: Sample.stat(inode: 5, at: 1))])
        let second = try host.segment([Sample.event(.deleted, "a", at: 2)])
        #expect(try test.book.ingest(first) == .taken(events: 1, records: 1))
        #expect(try test.book.ingest(first) == .repeated)
        #expect(try test.book.ingest(second) == .taken(events: 1, records: 1))
        #expect(try test.book.ingest(first) == .repeated)
        #expect(try test.book.ingest(second, acceptingHole: true) == .repeated)
        #expect(try test.book.owner(of: Array("a".utf8), in: try test.tree) == nil)
        let last = try #require(try test.book.lastSegment(of: "communal1", stream: .events))
        #expect(last.digest == second.hash)
        #expect(last.lastSequence == 2)
        #expect(try test.book.lastSegment(of: "communal1", stream: .scans) == nil)
    }

    @Test("a segment that does not follow is refused, and taken with a hole that a late one fills")
    func hole() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let segments = try (1...3).map { number in
            try host.segment([
                Sample.event(
                    .created, "f\(number)", at: Double(number),
                    stat: Sample.stat(inode: UInt64(number), at: Double(number)))
            ])
        }
        #expect(try test.book.ingest(segments[0]) == .taken(events: 1, records: 1))
        #expect(try test.book.ingest(segments[2]) == .outOfOrder(expected: segments[0].hash))
        #expect(try test.book.gaps() == [])
        #expect(try test.book.ingest(segments[2], acceptingHole: true) == .taken(events: 1, records: 1))
        let gap = try #require(try test.book.gaps().first)
        #expect(gap.reason == .missingSegments)
        #expect(gap.lost == 1)
        #expect(gap.host == "communal1")
        #expect(gap.since == Sample.time(1) && gap.until == Sample.time(3))
        #expect(try test.book.ingest(segments[1], acceptingHole: true) == .taken(events: 1, records: 1))
        #expect(try test.book.gaps() == [])
        #expect(try test.book.lastSegment(of: "communal1", stream: .events)?.digest == segments[2].hash)
    }

    @Test("the last writer is found through a rename and through the rename of a directory above")
    func renames() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let stat = Sample.stat(inode: 5, at: 2)
        let folder = Sample.stat(inode: 9, mode: 0o040755, at: 1)
        _ = try test.book.ingest(
            try host.segment([
                Sample.event(.directoryCreated, "old", at: 1, stat: folder),
                Sample.event(.created, "old/.draft.swp", at: 2, stat: stat),
                Sample.event(.renamed, "old/.draft.swp", to: "old/draft", at: 3, stat: stat),
                Sample.event(.directoryRenamed, "old", to: "new", at: 4, stat: folder),
                Sample.event(
                    .ownerChanged, "new/draft", at: 5, stat: Sample.stat(inode: 5, uid: 20_001, at: 5),
                    by: Sample.root),
            ]))
        let path = Array("new/draft".utf8)
        let tree = try test.tree
        #expect(try test.book.owner(of: path, in: tree)?.stat.uid == 20_001)
        #expect(try test.book.owner(of: Array("old/draft".utf8), in: tree) == nil)
        let writers = try test.book.writers(of: path, in: tree)
        #expect(writers.map(\.actor?.loginUID) == [20_000])
        #expect(writers.first?.time == Sample.time(2))
        #expect(writers.first?.host == "communal1")
        let history = try test.book.history(of: path, in: tree)
        #expect(history.map(\.kind) == [.ownerChanged, .directoryRenamed, .renamed, .created])
        #expect(history.first?.before?.uid == 20_000)
        #expect(history.first?.after?.uid == 20_001)
        #expect(history.last?.path == Array("old/.draft.swp".utf8))
    }

    @Test("a new file of an old name has nothing of the old one's history")
    func sameName() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        _ = try test.book.ingest(
            try host.segment([
                Sample.event(.created, "a", at: 1, stat: Sample.stat(inode: 5, at: 1)),
                Sample.event(.deleted, "a", at: 2),
                Sample.event(
                    .created, "a", at: 3, stat: Sample.stat(inode: 6, uid: 20_001, at: 3), by: Sample.root),
            ]))
        let path = Array("a".utf8)
        #expect(try test.book.history(of: path, in: try test.tree).map(\.time) == [Sample.time(3)])
        #expect(try test.book.writers(of: path, in: try test.tree).map(\.actor?.loginUID) == [20_001])
    }

    @Test("what is deleted keeps its history")
    func deleted() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        _ = try test.book.ingest(
            try host.segment([
                Sample.event(.created, "a", at: 1, stat: Sample.stat(inode: 5, at: 1)),
                Sample.event(.written, "a", at: 2, stat: Sample.stat(inode: 5, at: 2)),
                Sample.event(.deleted, "a", at: 3, by: Sample.root),
            ]))
        let history = try test.book.history(of: Array("a".utf8), in: try test.tree)
        #expect(history.map(\.kind) == [.deleted, .written, .created])
        #expect(history.first?.actor?.loginUID == 20_001)
    }

    @Test("a difference between scans is unexplained until an event tells of it, early or late")
    func coverage() throws {
        for isLate in [false, true] {
            let test = try TestBook()
            let host = try TestHost("communal1")
            let scanner = try TestHost("communal1", stream: .scans)
            let root = Sample.stat(inode: 2, mode: 0o042775, at: 0)
            let event = try host.segment([
                Sample.event(.created, "seen", at: 15, stat: Sample.stat(inode: 5, at: 15))
            ])
            _ = try test.book.ingest(
                try scanner.segment([
                    Sample.scan(.begins, at: 10), Sample.directory("", [], stat: root, at: 10),
                    Sample.scan(.completed, at: 11),
                ]))
            if !isLate { _ = try test.book.ingest(event) }
            _ = try test.book.ingest(
                try scanner.segment([
                    Sample.scan(.begins, at: 20, scan: 2),
                    Sample.directory(
                        "",
                        [("seen", Sample.stat(inode: 5, at: 15)), ("unseen", Sample.stat(inode: 6, at: 16))],
                        stat: Sample.stat(inode: 2, mode: 0o042775, at: 16), at: 20, scan: 2),
                    Sample.scan(.completed, at: 21, scan: 2),
                ]))
            if isLate { _ = try test.book.ingest(event) }
            let figure = try test.book.coverageFigure(from: Sample.time(0), until: Sample.time(100))
            #expect(figure.events == 1)
            #expect(figure.unexplained == 1)
            #expect(figure.unexplainedMillionths == 500_000)
            let changes = try test.book.changes(from: 0, limit: 10) { _ in true }
            #expect(changes.map(\.basis) == [.scanDiff, .event])
            #expect(changes.map(\.path) == [Array("unseen".utf8), Array("seen".utf8)])
            let unseen = try test.book.history(of: Array("unseen".utf8), in: try test.tree)
            #expect(unseen.map(\.kind) == [.created])
            #expect(unseen.first?.earliest == Sample.time(10))
            #expect(try test.book.writers(of: Array("unseen".utf8), in: try test.tree).map(\.actor) == [nil])
        }
    }

    @Test("a scan that began earlier than an event does not undo it")
    func eventAfterScan() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let scanner = try TestHost("communal1", stream: .scans)
        let root = Sample.stat(inode: 2, mode: 0o042775, at: 0)
        _ = try test.book.ingest(
            try host.segment([
                Sample.event(.created, "new", at: 11, stat: Sample.stat(inode: 5, at: 11)),
                Sample.event(.deleted, "old", at: 12),
            ]))
        _ = try test.book.ingest(
            try scanner.segment([
                Sample.scan(.begins, at: 10),
                Sample.directory("", [("old", Sample.stat(inode: 4, at: 1))], stat: root, at: 10),
                Sample.scan(.completed, at: 13),
            ]))
        #expect(try test.book.owner(of: Array("new".utf8), in: try test.tree)?.stat.inode == 5)
        #expect(try test.book.owner(of: Array("old".utf8), in: try test.tree) == nil)
    }

    @Test(
        "a report whose parts are in two segments is one report, whichever comes first",
        arguments: [true, false])
    func reportInTwoSegments(_ isInOrder: Bool) throws {
        let test = try TestBook()
        let scanner = try TestHost("communal1", stream: .scans)
        let root = Sample.stat(inode: 2, mode: 0o042775, at: 0)
        func part(_ number: UInt32, _ name: String, isLast: Bool, at seconds: Double) -> Record {
            .directory(
                DirectoryReport(
                    scan: 1, tree: Sample.tree, path: [], time: Sample.time(seconds), stat: root,
                    entries: [
                        .init(name: Array(name.utf8), stat: Sample.stat(inode: 10 + UInt64(number), at: 1))
                    ], part: number, isLast: isLast))
        }
        func names() throws -> [String] {
            try ["a", "b", "c"].filter {
                try test.book.owner(of: Array($0.utf8), in: try test.tree) != nil
            }
        }
        var segments = [
            try scanner.segment([Sample.scan(.begins, at: 10), part(0, "a", isLast: false, at: 10)]),
            try scanner.segment([part(1, "b", isLast: false, at: 10)]),
            try scanner.segment([part(2, "c", isLast: true, at: 10)]),
        ]
        if !isInOrder { segments.reverse() }
        for segment in segments {
            #expect(try test.book.tree(Sample.tree) == nil || names() == [])
            _ = try test.book.ingest(segment, acceptingHole: true)
        }
        #expect(try names() == ["a", "b", "c"])
    }

    @Test("the owner before the first event is the one that the scan knew")
    func baseline() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let scanner = try TestHost("communal1", stream: .scans)
        _ = try test.book.ingest(
            try scanner.segment([
                Sample.scan(.begins, at: 10),
                Sample.directory(
                    "", [("given", Sample.stat(inode: 4, uid: 20_007, at: 1))],
                    stat: Sample.stat(inode: 2, mode: 0o042775, at: 0), at: 10),
                Sample.scan(.completed, at: 11),
            ]))
        _ = try test.book.ingest(
            try host.segment([
                Sample.event(
                    .ownerChanged, "given", at: 12, stat: Sample.stat(inode: 4, uid: 20_001, at: 12),
                    by: Sample.root)
            ]))
        let handed = try test.book.changes(from: 0, kinds: [.ownerChanged], limit: 10) { _ in true }
        #expect(handed.map { $0.before?.uid } == [20_007])
        #expect(handed.map { $0.after?.uid } == [20_001])
    }

    @Test("the newest writers are found among many events, also when older ones come late")
    func lateEvents() throws {
        let test = try TestBook()
        let near = try TestHost("communal1")
        let far = try TestHost("communal2")
        _ = try test.book.ingest(
            try near.segment([
                Sample.event(
                    .written, "log", at: 1_000, stat: Sample.stat(inode: 5, at: 1_000), by: Sample.root)
            ]))
        for round in 0..<5 {
            _ = try test.book.ingest(
                try far.segment(
                    (0..<100).map { index in
                        let time = Double(round * 100 + index)
                        return Sample.event(.written, "log", at: time, stat: Sample.stat(inode: 5, at: time))
                    }))
        }
        let writers = try test.book.writers(of: Array("log".utf8), in: try test.tree)
        #expect(writers.map(\.actor?.loginUID) == [20_001, 20_000])
        #expect(writers.map(\.time) == [Sample.time(1_000), Sample.time(499)])
        #expect(
            try test.book.owner(of: Array("log".utf8), in: try test.tree)?.stat.changed == Sample.time(1_000)
                * 1_000)
    }

    @Test("the files of a session are those that its actors changed")
    func session() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        _ = try test.book.ingest(
            try host.segment([
                Sample.event(.created, "a", at: 1, stat: Sample.stat(inode: 5, at: 1)),
                Sample.event(.created, "b", at: 2, stat: Sample.stat(inode: 6, at: 2), by: Sample.root),
            ]))
        let files = try test.book.changes(
            from: 0, session: "01JD0000000000000000000001", limit: 10
        ) { _ in true }
        #expect(files.map(\.path) == [Array("b".utf8)])
        let persons = try test.book.changes(from: 0, person: 20_000, limit: 10) { _ in true }
        #expect(persons.map(\.path) == [Array("a".utf8)])
    }

    @Test("gaps and the watching of trees are told, and a scan closes a gap")
    func gaps() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        let scanner = try TestHost("communal1", stream: .scans)
        _ = try test.book.ingest(
            try host.segment([
                .coverage(
                    Coverage(tree: Sample.tree, extent: .everything, fileSystem: "ext4", time: Sample.time(1))
                ),
                .gap(
                    Gap(
                        tree: Sample.tree, from: Sample.time(2), until: Sample.time(3), reason: .overflow,
                        lost: 9)),
            ]))
        try test.book.note(
            Gap(tree: nil, from: Sample.time(5), until: Sample.time(40), reason: .silence), of: "communal2")
        try test.book.note(
            Gap(tree: nil, from: Sample.time(5), until: Sample.time(50), reason: .silence), of: "communal2")
        #expect(try test.book.gaps().map(\.reason) == [.told(.silence), .told(.overflow)])
        #expect(try test.book.gaps().map(\.until) == [Sample.time(50), Sample.time(3)])
        #expect(try test.book.gaps().map(\.lost) == [nil, 9])
        #expect(try test.book.gaps(from: Sample.time(20)).count == 1)
        _ = try test.book.ingest(
            try scanner.segment([
                Sample.scan(.begins, at: 10),
                Sample.directory("", [], stat: Sample.stat(inode: 2, mode: 0o042775, at: 0), at: 10),
                Sample.scan(.completed, at: 11),
            ]))
        #expect(try test.book.gaps().map(\.isClosed) == [false, true])
        #expect(try test.book.treeCoverage().map(\.extent) == [.everything])
    }
}
