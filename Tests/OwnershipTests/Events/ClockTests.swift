import FileEvents
import Ownership
import Support
import Testing

@Suite("Clocks that are wrong")
struct ClockTests {
    /// A day, in seconds.
    private static let day = 86_400.0
    private static let root = Sample.stat(inode: 2, mode: 0o042775, at: 0)

    private func received(_ seconds: Double) -> Timestamp {
        Timestamp(milliseconds: Sample.time(seconds) / 1_000)
    }

    private func size(_ test: TestBook) throws -> UInt64? {
        try test.book.owner(of: Array("f".utf8), in: try test.tree)?.stat.size
    }

    private func file(_ size: UInt64, at seconds: Double) -> FileStat {
        Sample.stat(inode: 5, size: size, at: seconds)
    }

    @Test(
        "a scanner whose clock is ahead hides nothing that happens after its report came",
        arguments: [day, 7_000_000_000])
    func scannerAhead(_ ahead: Double) throws {
        let test = try TestBook()
        let scanner = try TestHost("communal1", stream: .scans)
        let host = try TestHost("communal2")
        let other = try TestHost("communal2", stream: .scans)
        _ = try test.book.ingest(
            try scanner.segment([
                Sample.scan(.begins, at: ahead),
                Sample.directory("", [("f", file(1, at: 1))], stat: Self.root, at: ahead),
                Sample.scan(.completed, at: ahead + 1),
            ]), at: received(100))
        #expect(try size(test) == 1)
        #expect(try test.tree.scanned == Sample.time(100))
        _ = try test.book.ingest(
            try host.segment([Sample.event(.written, "f", at: 110, stat: file(2, at: 110))]),
            at: received(111))
        #expect(try size(test) == 2)
        _ = try test.book.ingest(
            try other.segment([
                Sample.directory("", [("f", file(3, at: 115))], stat: Self.root, at: 120)
            ]), at: received(121))
        #expect(try size(test) == 3)
    }

    @Test("the parts of a report of such a scanner find each other, whenever they come")
    func partsAhead() throws {
        let test = try TestBook()
        let scanner = try TestHost("communal1", stream: .scans)
        for part in 0...1 as ClosedRange<UInt32> {
            let entry = FileEntry(name: Array((part == 0 ? "e" : "f").utf8), stat: file(1, at: 1))
            let report = DirectoryReport(
                scan: 1, tree: Sample.tree, path: [], time: Sample.time(Self.day), stat: Self.root,
                entries: [entry], part: part, isLast: part == 1)
            _ = try test.book.ingest(
                try scanner.segment([.directory(report)]), at: received(100 + Double(part)))
        }
        #expect(try size(test) == 1)
        let row = try #require(try test.book.root(of: try test.tree.id))
        #expect(row.read == Sample.time(101))
    }

    @Test("an event of a host whose clock is ahead hides no later one of another host")
    func hostAhead() throws {
        let test = try TestBook()
        let wrong = try TestHost("communal1")
        let right = try TestHost("communal2")
        _ = try test.book.ingest(
            try wrong.segment([
                Sample.event(.created, "f", at: Self.day, stat: file(1, at: 90)),
                Sample.event(.written, "f", at: Self.day + 1, stat: file(2, at: 91)),
            ]), at: received(100))
        #expect(try size(test) == 2)
        _ = try test.book.ingest(
            try right.segment([Sample.event(.written, "f", at: 110, stat: file(3, at: 110))]),
            at: received(111))
        #expect(try size(test) == 3)
        let history = try test.book.history(of: Array("f".utf8), in: try test.tree)
        #expect(history.map(\.time) == [Sample.time(110), Sample.time(100), Sample.time(100)])
        #expect(history.map(\.kind) == [.written, .written, .created])
    }
}
