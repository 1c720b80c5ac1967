import FileEvents
import Ownership
import Support
import Testing

@Suite("Trees to walk since something was missed")
struct MissedWalkTests {
    private static let data = Array("/shared/data".utf8)
    /// Two hosts that share nothing.
    private static let hosts: [String: Set<[UInt8]>] = ["communal1": [Sample.tree], "communal2": [data]]

    private let test: TestBook
    private let scanners: [[UInt8]: TestHost]

    init() throws {
        test = try TestBook()
        scanners = [
            Sample.tree: try TestHost("communal1", stream: .scans),
            Self.data: try TestHost("communal2", stream: .scans),
        ]
        try walk(Sample.tree, at: 10)
        try walk(Self.data, at: 10)
    }

    private func walk(_ tree: [UInt8], at seconds: Double) throws {
        let records = [ScanReport.Phase.begins, .completed].map { phase in
            Record.scan(ScanReport(scan: 1, tree: tree, phase: phase, time: Sample.time(seconds)))
        }
        _ = try test.book.ingest(try #require(scanners[tree]).segment(records), at: received(seconds))
    }

    private func received(_ seconds: Double) -> Timestamp {
        Timestamp(milliseconds: Sample.time(seconds) / 1_000)
    }

    private func missed() throws -> [[UInt8]: Bool] {
        try test.book.missedWalks(of: [Sample.tree, Self.data], on: Self.hosts)
    }

    private func gap(_ tree: [UInt8]?, until: Int64) -> Record {
        .gap(Gap(tree: tree, from: Sample.time(11), until: until, reason: .overflow))
    }

    @Test("are those of the host that missed it, until they are walked")
    func ownTrees() throws {
        #expect(try missed() == [:])
        let host = try TestHost("communal2")
        _ = try test.book.ingest(
            try host.segment([gap(nil, until: Sample.time(20))]), at: received(21))
        #expect(try missed() == [Self.data: false])
        #expect(try test.book.missedWalks(of: [Sample.tree], on: Self.hosts) == [:])
        try walk(Self.data, at: 30)
        #expect(try missed() == [:])
    }

    @Test("are the one that is named")
    func namedTree() throws {
        let host = try TestHost("communal1")
        _ = try test.book.ingest(
            try host.segment([gap(Sample.tree, until: Sample.time(20))]), at: received(21))
        #expect(try missed() == [Sample.tree: false])
    }

    @Test("are walked wholly when segments are lost, and not for a silence")
    func lostSegments() throws {
        let host = try TestHost("communal1")
        let segments = try [20.0, 21, 22].map {
            try host.segment([Sample.event(.deleted, "f", at: $0)])
        }
        _ = try test.book.ingest(segments[0], at: received(23))
        try test.book.note(
            Gap(tree: nil, from: Sample.time(20), until: Sample.time(30), reason: .silence), of: "communal1")
        #expect(try missed() == [:])
        _ = try test.book.ingest(segments[2], acceptingHole: true, at: received(23))
        #expect(try missed() == [Sample.tree: true])
        try walk(Sample.tree, at: 30)
        #expect(try missed() == [:])
    }

    @Test("are walked once, however far ahead the clock of who missed it is")
    func ahead() throws {
        let host = try TestHost("communal1")
        let latest = SegmentLimits.times.upperBound
        _ = try test.book.ingest(try host.segment([gap(nil, until: latest)]), at: received(20))
        _ = try host.segment([gap(nil, until: latest)])
        _ = try test.book.ingest(
            try host.segment([gap(Sample.tree, until: latest)]), acceptingHole: true, at: received(21))
        #expect(try missed() == [Sample.tree: true])
        try walk(Sample.tree, at: 30)
        #expect(try missed() == [:])
    }
}
