import FileEvents
import Ownership
import Support
import TestSupport
import Testing

@Suite("ACLs of directories in the book")
struct AccessTests {
    private let acl: [UInt8] = [2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255]
    private let other: [UInt8] = [2, 0, 0, 0, 1, 0, 5, 0, 255, 255, 255, 255]

    private func stat(_ inode: UInt64, mode: UInt32 = 0o042770, at seconds: Double) -> FileStat {
        Sample.stat(inode: inode, mode: mode, at: seconds)
    }

    private func report(
        _ path: String, _ entries: [(String, FileStat)], _ stat: FileStat, _ list: [UInt8]?,
        at seconds: Double
    ) -> Record {
        .directory(
            DirectoryReport(
                scan: 1, tree: Sample.tree, path: Array(path.utf8), time: Sample.time(seconds), stat: stat,
                accessList: list, entries: entries.map { FileEntry(name: Array($0.0.utf8), stat: $0.1) }))
    }

    private func event(
        _ kind: FileEvent.Kind, _ path: String, _ stat: FileStat, _ list: [UInt8]?, at seconds: Double
    ) -> Record {
        guard case .event(var event) = Sample.event(kind, path, at: seconds, stat: stat) else {
            preconditionFailure("an event is made")
        }
        event.accessList = list
        return .event(event)
    }

    /// A root without an ACL, and in it `d`, which has one.
    private var scan: [Record] {
        [
            report("", [("d", stat(2, at: 1))], stat(1, at: 1), [], at: 10),
            report("d", [("f", Sample.stat(inode: 3, at: 1))], stat(2, at: 1), acl, at: 10),
        ]
    }

    /// What the book has for the directories above `d/f`, after these segments.
    private func lists(_ segments: [[Record]]) throws -> [[UInt8]?] {
        try permissions(segments).map { $0?.accessList }
    }

    private func permissions(_ segments: [[Record]]) throws -> [DirectoryPermissions?] {
        let test = try TestBook()
        let scans = try TestHost("communal1", stream: .scans)
        let events = try TestHost("communal1")
        for segment in segments {
            let host = if case .directory = segment[0] { scans } else { events }
            _ = try test.book.ingest(try host.segment(segment), at: .now)
        }
        return try test.book.directories(above: Array("d/f".utf8), in: test.tree)
    }

    @Test("are what the scan read")
    func scanned() throws {
        #expect(try lists([scan]) == [[], acl])
    }

    @Test("change with an event that knows them")
    func changed() throws {
        #expect(
            try lists([scan, [event(.modeChanged, "d", stat(2, at: 20), other, at: 20)]]) == [[], other])
        #expect(try lists([scan, [event(.modeChanged, "d", stat(2, at: 20), [], at: 20)]]) == [[], []])
    }

    @Test("are unknown after an event that does not know them, unless nothing can have changed")
    func unknown() throws {
        #expect(try lists([scan, [event(.modeChanged, "d", stat(2, at: 20), nil, at: 20)]]) == [[], nil])
        #expect(try lists([scan, [event(.modeChanged, "d", stat(2, at: 1), nil, at: 20)]]) == [[], acl])
    }

    @Test("of a new directory are known before any scan, and before anything is in it")
    func created() throws {
        let made = event(.directoryCreated, "d", stat(2, at: 20), acl, at: 20)
        #expect(try lists([[made]]).last == acl)
        let file = Sample.event(.created, "d/f", at: 21, stat: Sample.stat(inode: 3, at: 21))
        #expect(try lists([[made, file]]).last == acl)
    }

    @Test("do not turn back when a scan's report comes late")
    func late() throws {
        let change = [event(.modeChanged, "d", stat(2, at: 20), other, at: 20)]
        #expect(try lists([change, scan]).last == other)
        #expect(
            try lists([scan, change, [report("", [("d", stat(2, at: 1))], stat(1, at: 2), [], at: 11)]]).last
                == other)
    }

    @Test("and the mode do not turn back when an event comes later than what was read after it")
    func lateEvent() throws {
        let opened = [event(.modeChanged, "d", stat(2, mode: 0o042777, at: 20), other, at: 20)]
        // The event of what was read at 40 has not come yet, and the directory above was not read again.
        let closed = [
            report("d", [("f", Sample.stat(inode: 3, at: 1))], stat(2, mode: 0o042700, at: 30), acl, at: 40)
        ]
        let last = try #require(try permissions([scan, closed, opened]).last)
        #expect(last?.mode == 0o042700)
        #expect(last?.accessList == acl)
    }

    @Test("are what is read, whatever was told before", arguments: [20, 1_000_000_000])
    func wrongEvent(_ changed: Double) throws {
        let wrong = [event(.modeChanged, "d", stat(2, mode: 0o042777, at: changed), other, at: 20)]
        #expect(try permissions([scan, wrong]).last??.mode == 0o042777)
        // Nothing is as it was told, and the scan finds what it found before, or what was changed since.
        for seconds in [1.0, 30.0] {
            let again = [
                report("", [("d", stat(2, at: seconds))], stat(1, at: 1), [], at: 40),
                report(
                    "d", [("f", Sample.stat(inode: 3, at: 1))], stat(2, at: seconds), acl, at: 40),
            ]
            let last = try #require(try permissions([scan, wrong, again]).last)
            #expect(last?.mode == 0o042770)
            #expect(last?.accessList == acl)
        }
    }

    @Test("of a tree's root follow its events")
    func root() throws {
        #expect(try lists([scan, [event(.modeChanged, "", stat(1, at: 20), other, at: 20)]]).first == other)
        #expect(
            try lists([scan, [event(.modeChanged, "", stat(1, at: 0), other, at: 5)]]).first == .some([]))
    }

    @Test("are news to a scan when they are all that changed")
    func digest() throws {
        let packer = DirectoryPacker(digest: Digest64(key: 1))
        let digests = [nil, [], acl, other].map {
            packer.pack([], stat: stat(1, at: 1), accessList: $0, time: 1).digest
        }
        #expect(Set(digests).count == 4)
    }
}
