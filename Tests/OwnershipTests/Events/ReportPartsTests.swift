import FileEvents
import Ownership
import SQLite
import Support
import TestSupport
import Testing

@Suite("Parts of reports that wait for others")
struct ReportPartsTests {
    private let test: TestBook
    private let scanner: TestHost

    init() throws {
        test = try TestBook()
        scanner = try TestHost("communal1", stream: .scans)
    }

    private func part(
        _ number: UInt32, of path: String = "", isLast: Bool = false, at seconds: Double = 10
    ) -> Record {
        let stat = Sample.stat(inode: 100 + UInt64(number), at: 1)
        return .directory(
            DirectoryReport(
                scan: 1, tree: Sample.tree, path: Array(path.utf8), time: Sample.time(seconds),
                stat: Sample.stat(inode: 2, mode: 0o042775, at: 0),
                entries: [.init(name: Array("f\(number)".utf8), stat: stat)], part: number, isLast: isLast))
    }

    private func take(_ records: [Record]) throws {
        _ = try test.book.ingest(try scanner.segment(records))
    }

    /// How many parts wait in the table.
    private func waiting() throws -> Int64 {
        try Database(path: test.folder.file).first("SELECT count(*) FROM event_report_parts") {
            $0.integer(0)
        } ?? -1
    }

    private func entries() throws -> Int {
        let root = try test.book.root(of: try test.tree.id)
        return try root.map { try test.book.entries(of: $0.id).count } ?? 0
    }

    @Test("are one report when the last of many segments has come, and wait no more")
    func many() throws {
        for number in 0..<20 as Range<UInt32> {
            try take([part(number * 2), part(number * 2 + 1)])
            #expect(try waiting() == Int64(number + 1) * 2)
        }
        // What came already comes with other entries; the first counts.
        try take([part(3), part(39)])
        #expect(try waiting() == 40)
        try take([part(40, isLast: true)])
        #expect(try waiting() == 0)
        #expect(try entries() == 41)
    }

    @Test("do not make a report while a part is missing, or when one comes behind the last")
    func incomplete() throws {
        try take([part(0), part(2, isLast: true)])
        try take([part(4)])
        try take([part(3)])
        try take([part(1)])
        #expect(try test.book.tree(Sample.tree) == nil)
        #expect(try waiting() == 5)
    }

    @Test("are given up when a later walk is complete, also after the host was started anew")
    func reboot() throws {
        try take([part(0), part(1)])
        scanner.reboot()
        try take([Sample.scan(.begins, at: 20), part(0, of: "d", at: 21)])
        #expect(try waiting() == 3)
        try take([Sample.scan(.completed, at: 22)])
        #expect(try waiting() == 1)
    }

    @Test("that were given up in the middle of a segment make no report")
    func givenUp() throws {
        try take([part(0), part(1)])
        try take([
            part(2), Sample.scan(.begins, at: 20), Sample.scan(.completed, at: 22), part(3, isLast: true),
        ])
        #expect(try test.book.root(of: try test.tree.id) == nil)
    }

    @Test("are left out above a number that no directory reaches")
    func numbers() throws {
        try take([part(8_192, isLast: true), part(.max, isLast: true), part(8_191)])
        #expect(try waiting() == 1)
    }

    @Test("are of so many directories at the most, and the newest stay")
    func directories() throws {
        try take((0..<1_000).map { part(0, of: "a\($0)") })
        #expect(try waiting() == 64)
        for number in 0..<100 { try take([part(0, of: "b\(number)", at: 20 + Double(number))]) }
        #expect(try waiting() == 64)
        try take([part(1, of: "b99", isLast: true, at: 119), part(1, of: "b0", isLast: true, at: 20)])
        #expect(try test.book.directory(at: Array("b99".utf8), in: test.tree.id) != nil)
        #expect(try test.book.directory(at: Array("b0".utf8), in: test.tree.id) == nil)
    }
}
