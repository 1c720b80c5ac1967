import FileEvents
import Ownership
import Support
import TestSupport
import Testing

@Suite("A host that is not honest")
struct HostileHostTests {
    @Test("does not end the program, whatever it signs", arguments: 1...30 as ClosedRange<UInt64>)
    func extremes(_ seed: UInt64) throws {
        let fixture = try TestBook()
        let host = try TestHost("communal1")
        var maker = ExtremeRecords(seed: seed)
        var taken = 0
        for _ in 0..<40 {
            do {
                let segment = try host.segment((0..<6).map { _ in maker.record() })
                _ = try fixture.book.ingest(segment, acceptingHole: true)
                taken += 1
            } catch is SegmentError {
                // Nothing of it is in the book.
            } catch let error as BookError {
                try #require(error.code != .corrupt, "\(error)")
            }
        }
        #expect(taken > 0)
        for tree in try fixture.book.trees() {
            _ = try fixture.book.usage(of: tree.id)
            for name in ExtremeRecords.names {
                _ = try fixture.book.owner(of: name, in: tree)
                _ = try fixture.book.writers(of: name, in: tree)
                _ = try fixture.book.history(of: name, in: tree)
            }
        }
        _ = try fixture.book.changes(from: .min, until: .max, limit: 1_000) { _ in true }
        _ = try fixture.book.gaps()
    }

    @Test("tells of its own trees only")
    func foreignTree() throws {
        let fixture = try TestBook()
        let host = try TestHost("communal1")
        let stat = Sample.stat(inode: 5, at: 1)
        let other = Array("/shared/finance".utf8)
        var foreign = FileEvent(
            time: Sample.time(1), kind: .created, tree: other, directory: [], name: Array("plan".utf8),
            stat: stat,
            actor: Sample.alice)
        let segment = try host.segment([.event(foreign), Sample.event(.created, "plan", at: 2, stat: stat)])
        #expect(try fixture.book.ingest(segment, about: [Sample.tree]) == .taken(events: 1, records: 1))
        #expect(try fixture.book.tree(other) == nil)
        foreign.tree = Sample.tree
        let next = try host.segment([.event(foreign)])
        #expect(try fixture.book.ingest(next, about: [Sample.tree]) == .taken(events: 1, records: 1))
    }

    @Test("may name directories that are very deep")
    func deepPath() throws {
        let fixture = try TestBook()
        let host = try TestHost("communal1")
        let deep = String(repeating: "a/", count: SegmentLimits.path / 2 - 2) + "f"
        let made = try host.segment([
            Sample.event(.created, deep, at: 1, stat: Sample.stat(inode: 5, at: 1))
        ])
        #expect(try fixture.book.ingest(made) == .taken(events: 1, records: 1))
        // Commands ask in threads with small stacks.
        let path = fixture.folder.file
        let told = Locked<[Int]?>(nil)
        runInParallel(1) { _ in
            guard let book = try? Book(path: path), let tree = try? book.tree(Sample.tree) else { return }
            let filter = ListingFilter(uid: 20_000)
            let counts = try? [
                // Nobody told of the directories on the way whether they may be passed.
                book.files(filter, limit: 10, for: .person(uid: 20_000, groups: [20_002])).count,
                book.files(filter, limit: 10, for: .everything).count,
                book.history(of: Array(deep.utf8), in: tree).count,
                book.directories(above: Array(deep.utf8), in: tree).count,
                book.owned(by: 20_000).count,
            ]
            told.withLock { $0 = counts }
        }
        #expect(told.withLock { $0 } == [0, 1, 1, SegmentLimits.path / 2 - 1, 1])

        let gone = try host.segment([Sample.event(.deleted, deep, at: 2)])
        #expect(try fixture.book.ingest(gone) == .taken(events: 1, records: 1))
        #expect(try fixture.book.changes(from: .min, until: .max, limit: 10) { _ in true }.count == 2)
    }

    @Test(
        "is refused where it names what no file is called",
        arguments: ["..", ".", "a/b", "a\0b", "a/../b", "/", String(repeating: "x", count: 256)])
    func names(_ name: String) throws {
        let host = try TestHost("communal1")
        var event = FileEvent(
            time: Sample.time(1), kind: .created, tree: Sample.tree, directory: [], name: Array("f".utf8),
            stat: nil, actor: Sample.alice)
        event.name = Array(name.utf8)
        #expect(throws: SegmentError.self) { try Self.readAll(host.segment([.event(event)])) }
        event.name = Array("f".utf8)
        event.directory = Array(name.utf8) + Array("/..".utf8)
        #expect(throws: SegmentError.self) { try Self.readAll(host.segment([.event(event)])) }
    }

    private static func readAll(_ segment: SegmentReader) throws {
        var segment = segment
        while try segment.next() != nil {}
    }
}

/// Records with values that no honest host sends, among usual ones.
private struct ExtremeRecords {
    static let names = ["f", "g", "d", "e"].map { Array($0.utf8) }
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func record() -> Record {
        switch pick(0..<10) {
        case 0:
            .gap(
                Gap(
                    tree: Bool.random(using: &random) ? nil : Sample.tree, from: time(), until: time(),
                    reason: .overflow,
                    lost: number()))
        case 1: .coverage(Coverage(tree: Sample.tree, extent: .everything, fileSystem: "ext4", time: time()))
        case 2:
            .scan(
                ScanReport(
                    scan: number(), tree: Sample.tree, phase: ScanReport.Phase.allCases[pick(0..<3)],
                    time: time(),
                    directoryCount: number(), entryCount: number(), problemCount: number(),
                    problems: [.init(path: name(), number: 13)]))
        case 3, 4:
            .directory(
                DirectoryReport(
                    scan: number(), tree: Sample.tree, path: directory(), time: time(),
                    stat: pick(0..<5) == 0 ? nil : stat(isDirectory: true), accessList: accessList(),
                    entries: Self.names.filter { _ in Bool.random(using: &random) }.map {
                        .init(name: $0, stat: stat(isDirectory: Bool.random(using: &random)))
                    },
                    part: pick(0..<4) == 0 ? 1 : 0, isLast: pick(0..<4) != 0))
        default: .event(event())
        }
    }

    private mutating func event() -> FileEvent {
        FileEvent(
            time: time(), kind: FileEvent.Kind.allCases[pick(0..<FileEvent.Kind.allCases.count)],
            tree: Sample.tree,
            directory: directory(), name: name(),
            destination: pick(0..<3) == 0
                ? FileEvent.Destination(directory: directory(), name: name()) : nil,
            stat: pick(0..<4) == 0 ? nil : stat(isDirectory: pick(0..<4) == 0), accessList: accessList(),
            actor: Bool.random(using: &random) ? Sample.alice : Sample.root,
            count: UInt32(truncatingIfNeeded: number()))
    }

    /// Mostly none that a file system would take.
    private mutating func accessList() -> [UInt8]? {
        switch pick(0..<4) {
        case 0: nil
        case 1: []
        default: [2, 0, 0, 0] + (0..<pick(0..<40)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
    }

    private mutating func directory() -> [UInt8] {
        switch pick(0..<4) {
        case 0: []
        case 1: name()
        default: name() + Array("/".utf8) + name()
        }
    }

    private mutating func name() -> [UInt8] { Self.names[pick(0..<Self.names.count)] }

    private mutating func stat(isDirectory: Bool) -> FileStat {
        FileStat(
            inode: pick(0..<3) == 0 ? number() : UInt64(pick(1..<9)), mode: isDirectory ? 0o040755 : 0o100644,
            uid: UInt32(truncatingIfNeeded: number()), gid: UInt32(truncatingIfNeeded: number()),
            links: UInt32(truncatingIfNeeded: number()), size: number(), blocks: number(),
            modified: wildTime(),
            changed: wildTime())
    }

    private mutating func number() -> UInt64 {
        switch pick(0..<12) {
        case 0: .max
        case 1: UInt64(Int64.max)
        case 2: 0
        default: UInt64(pick(0..<1_000))
        }
    }

    /// Rarely one that is refused, since a segment goes with each.
    private mutating func time() -> Int64 {
        switch pick(0..<200) {
        case 0: .max
        case 1: .min
        case 2...6: SegmentLimits.times.upperBound
        case 7...11: SegmentLimits.times.lowerBound
        default: Sample.time(Double(pick(0..<1_000)))
        }
    }

    private mutating func wildTime() -> Int64 {
        switch pick(0..<6) {
        case 0: .max
        case 1: .min
        default: Sample.time(Double(pick(0..<1_000))) * 1_000
        }
    }

    private mutating func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
}
