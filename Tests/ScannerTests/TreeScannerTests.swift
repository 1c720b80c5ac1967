import FileEvents
import Glibc
import Ownership
import Scanner
import Support
import TestSupport
import Testing

@Suite("A scan", .enabled(if: geteuid() == 0, "changes owners"))
struct TreeScannerTests {
    @Test("finds what find(1) finds, with hostile names, holes, links and pipes", arguments: [1, 4, 16])
    func complete(_ threads: Int) throws {
        let fixture = try ScanFixture()
        var maker = TreeMaker(fixture.root, seed: UInt64(threads))
        try maker.make(directories: 120, files: 900)
        try linkFirstFile(fixture)
        var options = ScanOptions()
        options.threads = threads
        let scan = try fixture.scan(options)
        #expect(scan.state == .completed)
        #expect(scan.problems == 0)
        #expect(try fixture.differences() == [])
    }

    /// Gives a file two more names.
    private func linkFirstFile(_ fixture: ScanFixture) throws {
        let listing = try Listing.find(fixture.root)
        let file = try #require(listing.first { $0.value.mode & 0o170000 == 0o100000 }?.key)
        for name in ["/link1", "/link2"] {
            let target = unsafe withPath(bytes(fixture.root + name)) { new in
                unsafe withPath(bytes(fixture.root + "/") + file) { unsafe Glibc.link($0, new) }
            }
            try SystemError.check(target, "link")
        }
    }

    @Test("again finds exactly what was changed, and writes nothing when nothing was", arguments: 1...6)
    func rescan(_ seed: Int) throws {
        let fixture = try ScanFixture()
        var maker = TreeMaker(fixture.root, seed: UInt64(seed))
        try maker.make(directories: 60, files: 400)
        try fixture.scan()
        let before = try Listing.find(fixture.root)
        #expect(try fixture.scan().changed == 0)

        var options = ScanOptions()
        // Half of the runs without the map, as with more directories than memory is to hold.
        options.mapLimit = seed % 2 == 0 ? 0 : 1_000
        try maker.mutate(30)
        let after = try Listing.find(fixture.root)
        let scan = try fixture.scan(options)
        #expect(try fixture.differences() == [])
        let book = try Book(path: fixture.bookPath)
        let told = try told(scan, book)
        let expected = ExpectedChange.between(before, after)
        #expect(told.subtracting(expected) == [])
        #expect(expected.subtracting(told) == [])
        #expect(try book.changes(of: scan.id).count == expected.count)
    }

    private func told(_ scan: Scan, _ book: Book) throws -> Set<ExpectedChange> {
        Set(
            try book.changes(of: scan.id).map { recorded in
                let directory = try #require(try book.directory(recorded.change.directory))
                return ExpectedChange(
                    kind: recorded.change.kind, directory: directory.stat.inode, name: recorded.change.name)
            })
    }

    @Test("that is ended at any moment goes on where it stood", arguments: 1...15)
    func resumed(_ seed: Int) throws {
        let fixture = try ScanFixture()
        var maker = TreeMaker(fixture.root, seed: UInt64(seed))
        try maker.make(directories: 80, files: 300)
        var options = ScanOptions()
        options.directoriesPerTransaction = 1
        options.threads = 1 + seed % 4
        if seed % 3 == 0 {
            // A rescan instead of a first scan.
            try fixture.scan()
            try maker.mutate(25)
        }
        var runs = 0
        var scan: Scan?
        while scan == nil {
            runs += 1
            do {
                scan = try fixture.scan(
                    options, Saboteur(after: Int.random(in: 1...60, using: &maker.random)))
            } catch is Sabotage {}
            try #require(runs < 200)
        }
        #expect(try fixture.differences() == [])
        let book = try Book(path: fixture.bookPath)
        #expect(try book.scans(of: 1).count == (seed % 3 == 0 ? 2 : 1))
    }

    @Test("reports directories that changed and no others, in parts that together are whole")
    func reports() throws {
        let fixture = try ScanFixture()
        try makeFiles(5_000, in: fixture.root)
        let first = Saboteur(after: nil)
        try fixture.scan(ScanOptions(), first)
        #expect(first.reports.map(\.entries.count).reduce(0, +) == 5_000)
        #expect(first.reports.map(\.isLast) == [false, false, true])
        #expect(first.phases == [.begins, .completed])
        let second = Saboteur(after: nil)
        try fixture.scan(ScanOptions(), second)
        #expect(second.reports.isEmpty)
        var everything = ScanOptions()
        everything.reportsEverything = true
        let third = Saboteur(after: nil)
        try fixture.scan(everything, third)
        #expect(third.reports.count == 3)
    }

    private func makeFiles(_ count: Int, in folder: String) throws {
        for number in 0..<count {
            let file = unsafe open("\(folder)/file-\(number)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
            try SystemError.check(file, "open")
            close(file)
        }
    }

    @Test("of a directory with very many entries writes the part that changed")
    func hugeDirectory() throws {
        let fixture = try ScanFixture()
        try makeFiles(45_000, in: fixture.root)
        try fixture.scan()
        #expect(try fixture.differences() == [])
        #expect(unsafe lchown("\(fixture.root)/file-777", 20_001, 20_001) == 0)
        #expect(unsafe unlink("\(fixture.root)/file-999") == 0)
        let scan = try fixture.scan()
        let book = try Book(path: fixture.bookPath)
        #expect(
            try book.changes(of: scan.id).map(\.change.kind).sorted { $0.rawValue < $1.rawValue } == [
                .deleted, .ownerChanged,
            ])
        #expect(try fixture.differences() == [])
        #expect(try book.entry(at: bytes("file-777"), in: 1)?.stat.uid == 20_001)
        #expect(try book.entry(at: bytes("file-44999"), in: 1) != nil)
        #expect(try book.entry(at: bytes("file-999"), in: 1) == nil)
    }

    @Test("follows paths that are longer than the system takes at once")
    func deepPath() throws {
        let fixture = try ScanFixture()
        var folder = try Descriptor.open(fixture.root, O_RDONLY | O_DIRECTORY)
        let name = String(repeating: "d", count: 200)
        for _ in 0..<60 {
            try SystemError.check(unsafe mkdirat(folder.number, name, 0o755), "mkdirat")
            let next = unsafe openat(folder.number, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            folder = Descriptor(adopting: try SystemError.check(next, "openat"))
        }
        let file = unsafe openat(folder.number, "bottom", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        close(try SystemError.check(file, "openat"))
        let scan = try fixture.scan()
        #expect(scan.problems == 0)
        #expect(scan.directories == 61)
        let path = (Array(repeating: name, count: 60) + ["bottom"]).joined(separator: "/")
        #expect(try Book(path: fixture.bookPath).entry(at: bytes(path), in: 1) != nil)
        #expect(try fixture.differences() == [])
    }

    @Test("of a tree that changes all the time ends, and the next one is right")
    func moving() throws {
        let fixture = try ScanFixture()
        var maker = TreeMaker(fixture.root, seed: 5)
        try maker.make(directories: 100, files: 500)
        let stop = Locked(false)
        let done = Awaited(false)
        try Thread.start("storm") { [maker] in
            var storm = maker
            // Paths that are gone are part of the storm.
            while !stop.withLock({ $0 }) { try? storm.mutate(3) }
            done.change { $0 = true }
        }
        for _ in 0..<6 { #expect(try fixture.scan().state == .completed) }
        stop.withLock { $0 = true }
        done.wait { $0 ? () : nil }
        let scan = try fixture.scan()
        #expect(scan.problems == 0)
        #expect(try fixture.differences() == [])
    }

    @Test("of a folder that is not there says so")
    func noRoot() {
        #expect(throws: ScanError.self) { try FileSystemPlan.deciding(bytes("/nowhere/at/all")) }
    }
}

struct Sabotage: Error {}

/// Keeps what is reported, and fails when it has been called often enough.
final class Saboteur: ScanReporter {
    private var left: Int?
    private(set) var reports: [DirectoryReport] = []
    private(set) var phases: [ScanReport.Phase] = []

    init(after calls: Int?) {
        left = calls
    }

    private func count() throws {
        guard let number = left else { return }
        if number == 0 { throw Sabotage() }
        left = number - 1
    }

    func report(_ directory: DirectoryReport) throws {
        try count()
        reports.append(directory)
    }

    func report(_ scan: ScanReport) throws {
        try count()
        phases.append(scan.phase)
    }

    func flush() throws { try count() }
}
