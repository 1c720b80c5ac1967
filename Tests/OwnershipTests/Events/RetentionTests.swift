import FileEvents
import Ownership
import Support
import TestSupport
import Testing

@Suite("Old events")
struct RetentionTests {
    /// A file written five times, one that was renamed, and one that is gone.
    private static let records: [Record] = [
        Sample.event(.created, "old", at: 1, stat: Sample.stat(inode: 1, at: 1)),
        Sample.event(.written, "old", at: 2, stat: Sample.stat(inode: 1, size: 11, at: 2)),
        Sample.event(.written, "old", at: 3, stat: Sample.stat(inode: 1, size: 12, at: 3)),
        Sample.event(.created, "draft", at: 4, stat: Sample.stat(inode: 2, at: 4)),
        Sample.event(.renamed, "draft", to: "final", at: 5, stat: Sample.stat(inode: 2, at: 5)),
        Sample.event(.created, "gone", at: 6, stat: Sample.stat(inode: 3, at: 6)),
        Sample.event(.deleted, "gone", at: 7),
    ]

    private func moments(_ test: TestBook, _ path: String) throws -> [FileMoment.Kind] {
        try test.book.history(of: Array(path.utf8), in: test.tree).map(\.kind)
    }

    @Test(
        "are forgotten but for those that explain the present, in steps of any size", arguments: [1, 2, 100])
    func expire(_ limit: Int) throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        for half in [Self.records[..<4], Self.records[4...]] {
            _ = try test.book.ingest(try host.segment(Array(half)), at: .now)
        }
        var removed = 0
        var steps = 0
        while true {
            let step = try test.book.expireEvents(before: Sample.time(100), limit: limit)
            removed += step.removed
            if step.isDone { break }
            steps += 1
            #expect(steps <= Self.records.count)
        }
        #expect(steps == (Self.records.count + limit - 1) / limit)
        #expect(removed == 4)
        #expect(try moments(test, "final") == [.renamed, .created])
        #expect(try moments(test, "old") == [.written])
        #expect(try moments(test, "gone").isEmpty)
    }

    @Test("stay while they are not old")
    func recent() throws {
        let test = try TestBook()
        _ = try test.book.ingest(try TestHost("communal1").segment(Self.records), at: .now)
        let step = try test.book.expireEvents(before: Sample.time(5), limit: 100)
        #expect(step.removed == 0 && step.isDone)
    }
}
