import Glibc
import Shipping
import Support
import TestSupport
import Testing

@Suite("The spool, and what lies beside it")
struct SpoolTests {
    private let folder: TemporaryFolder
    private let spool: Spool

    init() throws {
        folder = try TemporaryFolder()
        spool = Spool(folder.path)
    }

    private func put(_ name: String, _ bytes: [UInt8] = [1]) throws {
        try Descriptor.open("\(folder.path)/\(name)", O_WRONLY | O_CREAT).writeAll(bytes)
    }

    private func name(_ number: Int) -> String {
        "events-\(String(repeating: "0", count: 16 - String(number).count))\(number).segment"
    }

    @Test("what waits is listed by stream and number, and unfinished files are not")
    func listed() throws {
        try put(name(2), [1, 2, 3])
        try put("scans-0000000000000001.segment")
        try put(name(1))
        try put("current")
        let entries = spool.entries()
        #expect(entries.map(\.name) == [name(1), name(2), "scans-0000000000000001.segment"])
        #expect(spool.byteCount(of: entries) == 5)
        #expect(try spool.read(entries[1], limit: 3) == [1, 2, 3])
        #expect(throws: SystemError.self) { try spool.read(entries[1], limit: 2) }
        spool.remove(entries[0])
        #expect(spool.entries().count == 2)
        #expect(Spool(folder.path + "/none").entries() == [])
    }

    @Test("what was refused is kept aside, the newest of it")
    func putAside() throws {
        for number in 10..<40 {
            try put(name(number))
            try spool.putAside(#require(spool.entries().first))
        }
        #expect(spool.entries() == [])
        let kept = Spool(folder.path + "/refused").entries()
        #expect(kept.count == 16)
        #expect(kept.last?.name == name(39))
    }

    @Test("the collector's status is read back, and an old one is none")
    func status() throws {
        var status = StatusFile()
        status.since = 5
        status.events = 6
        status.gaps = 7
        status.trees = ["/shared/lab", "/a b"]
        try status.write(in: folder.path)
        #expect(StatusFile.read(in: folder.path) == status)
        #expect(StatusFile.read(in: folder.path, at: .now + .seconds(32)) == nil)
        #expect(StatusFile.read(in: folder.path + "/none") == nil)
        #expect(StatusFile(Array("since x\nunknown 1\nlonely\n\u{0}".utf8)) == StatusFile())
    }

    @Test("a rescan is asked for and taken once, and one of everything stays one of everything")
    func rescans() {
        let requests = RescanRequests(folder.path)
        requests.add("/shared/lab", .differences)
        requests.add("/shared/lab", .differences)
        requests.add("relative", .whole)
        #expect(requests.take("/shared%2Flab") == nil)
        #expect(requests.take("/shared/lab") == .differences)
        #expect(requests.take("/shared/lab") == nil)
        requests.add("/shared/lab", .differences)
        requests.add("/shared/lab", .whole)
        requests.add("/shared/lab", .differences)
        #expect(requests.take("/shared/lab") == .whole)
    }
}
