import FileEvents
import Glibc
import Ownership
import SSHKeys
import Support

/// What happened, a line each with words apart by tabs; paths are absolute or as `PathText` shows them.
///
///     host NAME                                            who tells the following
///     directory TREE PATH INODE MODE UID GID               a scan has read it; its entries follow
///     entry NAME INODE MODE UID GID SIZE SECONDS           last written so many seconds after 1970
///     scanned TREE                                         the scan is complete
///     event KIND TREE PATH DESTINATION INODE MODE UID GID SIZE SECONDS ACTOR LOGIN SESSION PROGRAM
///     gap TREE FROM UNTIL                                  seconds after 1970
struct Story {
    private var host = "communal1"
    private var records: [String: [Record]] = [:]
    private var scans: [String: [Record]] = [:]
    private var report: DirectoryReport?

    static func tell(to book: String) throws {
        var story = Story()
        for line in try standardInput().split(separator: "\n") {
            try story.read(line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init))
        }
        story.endReport()
        let store = try BookStore(path: book)
        for (host, records) in story.scans { try take(records, of: host, .scans, store) }
        for (host, records) in story.records { try take(records, of: host, .events, store) }
    }

    private static func take(
        _ records: [Record], of host: String, _ stream: SegmentHeader.Stream, _ store: BookStore
    ) throws {
        let key = try PrivateKey.generate()
        let last = try store.ask { try $0.lastSegment(of: host, stream: stream) }
        var boot = [UInt8](repeating: 0, count: 16)
        for index in boot.indices { boot[index] = UInt8.random(in: 0...255) }
        var writer = SegmentWriter(
            SegmentHeader(
                host: host, boot: boot, stream: stream, number: (last?.number ?? 0) + 1, firstSequence: 1,
                previous: last?.digest ?? SegmentHeader.noPrevious, created: Book.now))
        for record in records { writer.append(record) }
        let start = writer.start
        let segment = try SegmentReader(start + (try writer.finish(key).bytes), signedBy: key.publicKey)
        print(try store.change { try $0.ingest(segment) })
    }

    private mutating func read(_ words: [String]) throws {
        func number<Number: FixedWidthInteger>(_ index: Int) throws -> Number {
            guard index < words.count, let value = Number(words[index]) else {
                throw WireError("word \(index) of \(words) is no number")
            }
            return value
        }
        func path(_ index: Int) throws -> [UInt8] {
            guard index < words.count, let bytes = PathText.bytes(of: words[index]) else {
                throw WireError("word \(index) of \(words) is no path")
            }
            return bytes
        }
        func stat(_ first: Int, size: UInt64, seconds: Double) throws -> FileStat {
            let time = Int64(seconds * 1_000_000) * 1_000
            let mode: UInt32 = try number(first + 1)
            return FileStat(
                inode: try number(first), mode: mode, uid: try number(first + 2), gid: try number(first + 3),
                links: 1, size: size, blocks: (size + 4_095) / 4_096 * 8, modified: time, changed: time)
        }
        switch words[0] {
        case "host": host = words[1]
        case "directory":
            endReport()
            let tree = try path(1)
            if scans[host] == nil {
                scans[host] = [.scan(ScanReport(scan: 1, tree: tree, phase: .begins, time: Book.now))]
            }
            report = DirectoryReport(
                scan: 1, tree: tree, path: try path(2), time: Book.now,
                stat: try stat(3, size: 4_096, seconds: Double(Book.now) / 1_000_000))
        case "entry":
            let entry = FileEntry(
                name: try path(1),
                stat: try stat(2, size: try number(6), seconds: Double(words[7]) ?? 0))
            report?.entries.append(entry)
        case "scanned":
            endReport()
            scans[host]?.append(
                .scan(ScanReport(scan: 1, tree: try path(1), phase: .completed, time: Book.now)))
        case "event":
            guard let kind = FileEvent.Kind.allCases.first(where: { "\($0)" == words[1] }) else {
                throw WireError("there are no events \(words[1])")
            }
            let seconds = Double(words[10]) ?? 0
            let place = Book.split(try path(3))
            let target = words[4].isEmpty ? nil : Book.split(try path(4))
            let login: UInt32? = words[12].isEmpty ? nil : try number(12)
            let uid: UInt32 = try number(11)
            records[host, default: []].append(
                .event(
                    FileEvent(
                        time: Int64(seconds * 1_000_000), kind: kind, tree: try path(2),
                        directory: place.directory, name: place.name,
                        destination: target.map {
                            FileEvent.Destination(directory: $0.directory, name: $0.name)
                        },
                        stat: words[5].isEmpty
                            ? nil : try stat(5, size: try number(9), seconds: seconds),
                        actor: Actor(
                            uid: uid, loginUID: login, auditSession: 1, pid: 4_711,
                            command: Array(words[14].utf8.suffix(15)), executable: Array(words[14].utf8),
                            origin: login == nil ? .unknown : login == uid ? .login : .switchedUser,
                            session: words[13].isEmpty ? nil : words[13]))))
        case "gap":
            records[host, default: []].append(
                .gap(
                    Gap(
                        tree: try path(1), from: try number(2) * 1_000_000, until: try number(3) * 1_000_000,
                        reason: .overflow)))
        default: throw WireError("there are no lines \(words[0])")
        }
    }

    private mutating func endReport() {
        if let report { scans[host]?.append(.directory(report)) }
        report = nil
    }
}
