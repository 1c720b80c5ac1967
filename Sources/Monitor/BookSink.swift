import Directory
import FileEvents
import Ownership
import SSHKeys
import Sharing
import Support

/// The book, where the daemon writes it: one writer, one segment at a time.
final class BookSink: SegmentSink {
    private let book: BookStore
    private let directory: DirectoryStore

    init(_ book: BookStore, directory: DirectoryStore) {
        self.book = book
        self.directory = directory
    }

    func take(
        _ bytes: [UInt8], from host: String, signedBy keyBlob: [UInt8], acceptingHole: Bool
    ) throws -> SegmentOutcome {
        let segment: SegmentReader
        do {
            segment = try SegmentReader(bytes, signedBy: try PublicKey(blob: keyBlob))
        } catch {
            throw DamagedSegment(description: "\(error)")
        }
        guard segment.header.host == host else {
            throw DamagedSegment(description: "it says that it is of \(segment.header.host.printable)")
        }
        let trees = Set(try directory.trees(on: host).map { Array($0.path.utf8) })
        return try book.change { book in
            do {
                switch try book.ingest(segment, about: trees, acceptingHole: acceptingHole) {
                case .taken(let events, let records):
                    // What is neither is rare: only then is it worth a second look.
                    let mayHaveGaps = segment.header.stream == .events && records > events
                    return .taken(
                        events: events, hasGaps: try mayHaveGaps && Self.hasGaps(segment),
                        strangers: try Self.strangers(in: segment, to: trees, taken: records))
                case .repeated: return .repeated
                case .outOfOrder: return .outOfOrder
                }
            } catch let error as SegmentError {
                throw DamagedSegment(description: "\(error)")
            }
        }
    }

    /// How many records are about other trees.
    private static func strangers(
        in segment: SegmentReader, to trees: Set<[UInt8]>, taken: Int
    ) throws(SegmentError) -> Int {
        if UInt64(taken) == segment.footer.recordCount { return 0 }
        var segment = segment
        var count = 0
        while let frame = try segment.next() {
            count += frame.count { $0.record.tree.map { !trees.contains($0) } ?? false }
        }
        return count
    }

    private static func hasGaps(_ segment: SegmentReader) throws(SegmentError) -> Bool {
        var segment = segment
        while let frame = try segment.next() {
            if frame.contains(where: { if case .gap = $0.record { true } else { false } }) { return true }
        }
        return false
    }

    func lastDelivery(of host: String) throws -> Timestamp? {
        try book.ask { book in
            try SegmentHeader.Stream.allCases.compactMap {
                try book.lastSegment(of: host, stream: $0)?.received
            }.max()
        }
    }

    func treesToWalk(by host: String) throws -> [String: Bool] {
        let trees = try directory.trees().map { (tree: $0, path: Array($0.path.utf8)) }
        let own = Set(trees.filter { $0.tree.scanner == host }.map(\.path))
        guard !own.isEmpty else { return [:] }
        let hosts = trees.reduce(into: [String: Set<[UInt8]>]()) { hosts, tree in
            for name in tree.tree.hosts { hosts[name, default: []].insert(tree.path) }
        }
        let missed = try book.ask { try $0.missedWalks(of: own, on: hosts) }
        return Dictionary(
            uniqueKeysWithValues: missed.map { (String(decoding: $0.key, as: UTF8.self), $0.value) })
    }

    func noteSilence(of host: String, from start: Timestamp, until end: Timestamp) throws {
        let gap = Gap(
            tree: nil, from: start.milliseconds * 1_000, until: end.milliseconds * 1_000, reason: .silence)
        try book.change { try $0.note(gap, of: host) }
    }

    /// What a uid owns, in all trees.
    func files(of uid: UInt32) throws -> [TransferItem] {
        try book.ask { try $0.owned(by: uid) }.map { place in
            TransferItem(tree: String(decoding: place.tree, as: UTF8.self), path: place.path)
        }
    }
}
