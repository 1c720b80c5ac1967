import FileEvents
import Ownership
import Testing

@Suite("The chain of a host's segments")
struct ChainTests {
    @Test("goes on when the host's clock was set back")
    func setBack() throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        for (index, seconds) in [1_000.0, 10, 11, 12].enumerated() {
            let event = Sample.event(
                .created, "f\(index)", at: seconds, stat: Sample.stat(inode: UInt64(index + 5), at: seconds))
            #expect(try test.book.ingest(try host.segment([event])) == .taken(events: 1, records: 1))
        }
        #expect(try test.book.gaps() == [])
    }

    @Test("does not end with what comes late of an earlier boot", arguments: [1, 2])
    func earlierBoot(_ missing: Int) throws {
        let test = try TestBook()
        let host = try TestHost("communal1")
        func segment(_ name: String, at seconds: Double) throws -> SegmentReader {
            try host.segment([
                Sample.event(
                    .created, name, at: seconds, stat: Sample.stat(inode: UInt64(seconds), at: seconds))
            ])
        }
        let before = try (1...3).map { try segment("a\($0)", at: Double($0)) }
        host.reboot()
        let after = try (4...6).map { try segment("b\($0)", at: Double($0)) }
        let taken = Ingested.taken(events: 1, records: 1)
        for (index, segment) in before.enumerated() where index != missing {
            #expect(try test.book.ingest(segment, acceptingHole: true) == taken)
        }
        #expect(try test.book.ingest(after[0], acceptingHole: true) == taken)
        #expect(try test.book.ingest(before[missing], acceptingHole: true) == taken)
        #expect(try test.book.ingest(after[1]) == taken)
        #expect(try test.book.ingest(after[2]) == taken)
        #expect(try test.book.lastSegment(of: "communal1", stream: .events)?.digest == after[2].hash)
    }
}
