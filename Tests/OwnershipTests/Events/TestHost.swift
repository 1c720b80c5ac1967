import FileEvents
import Ownership
import SSHKeys
import Support
import TestSupport
import Testing

/// A host that tells the gateway what it saw: its segments are signed and chained as true ones are.
final class TestHost {
    let name: String
    private(set) var boot: [UInt8]
    let stream: SegmentHeader.Stream
    let key: PrivateKey
    private var number: UInt64 = 1
    private var sequence: UInt64 = 1
    private var previous = SegmentHeader.noPrevious

    init(_ name: String, stream: SegmentHeader.Stream = .events, boot: UInt8 = 1) throws {
        self.name = name
        self.boot = [UInt8](repeating: boot, count: 16)
        self.stream = stream
        key = try PrivateKey.generate()
    }

    /// The kernel starts anew: records count from 1 again, the chain goes on.
    func reboot() {
        boot = boot.map { $0 &+ 1 }
        sequence = 1
    }

    /// The next segment of the chain.
    func segment(_ records: [Record]) throws -> SegmentReader {
        let header = SegmentHeader(
            host: name, boot: boot, stream: stream, number: number, firstSequence: sequence,
            previous: previous, created: records.first?.time ?? 0)
        var writer = SegmentWriter(header)
        var bytes = writer.start
        for record in records {
            writer.append(record)
            if writer.frameIsFull { bytes += try writer.takeFrame() }
        }
        let end = try writer.finish(key)
        bytes += end.bytes
        number += 1
        sequence += UInt64(records.count)
        previous = end.hash
        return try SegmentReader(bytes, signedBy: key.publicKey)
    }
}

extension Record {
    /// When it happened, in microseconds since 1970.
    var time: Int64 {
        switch self {
        case .event(let event): event.time
        case .gap(let gap): gap.until
        case .directory(let report): report.time
        case .scan(let report): report.time
        case .coverage(let coverage): coverage.time
        }
    }
}

/// Short forms for tests. Times are seconds after a moment of 2023, in microseconds where the book wants them.
enum Sample {
    static let tree = Array("/shared/lab".utf8)
    static let start: Int64 = 1_690_000_000_000_000

    static func time(_ seconds: Double) -> Int64 { start + Int64(seconds * 1_000_000) }

    static func stat(
        inode: UInt64, uid: UInt32 = 20_000, gid: UInt32 = 20_002, mode: UInt32 = 0o100644, size: UInt64 = 10,
        at seconds: Double
    ) -> FileStat {
        FileStat(
            inode: inode, mode: mode, uid: uid, gid: gid, links: mode & 0o170000 == 0o040000 ? 2 : 1,
            size: size,
            blocks: 8, modified: time(seconds) * 1_000, changed: time(seconds) * 1_000)
    }

    static let alice = Actor(
        uid: 20_000, loginUID: 20_000, auditSession: 7, pid: 4_711, command: Array("vim".utf8),
        executable: Array("/usr/bin/vim".utf8), origin: .login, session: "01JD0000000000000000000000")
    static let root = Actor(
        uid: 0, loginUID: 20_001, auditSession: 8, pid: 4_712, command: Array("chown".utf8),
        executable: Array("/usr/bin/chown".utf8), origin: .switchedUser, session: "01JD0000000000000000000001"
    )

    static func event(
        _ kind: FileEvent.Kind, _ path: String, to destination: String? = nil, at seconds: Double,
        stat: FileStat? = nil, by actor: Actor = alice
    ) -> Record {
        let (directory, name) = Book.split(Array(path.utf8))
        let place = destination.map { Book.split(Array($0.utf8)) }
        return .event(
            FileEvent(
                time: time(seconds), kind: kind, tree: tree, directory: directory, name: name,
                destination: place.map { FileEvent.Destination(directory: $0.directory, name: $0.name) },
                stat: stat, actor: actor))
    }

    static func directory(
        _ path: String, _ entries: [(String, FileStat)], stat: FileStat, at seconds: Double, scan: UInt64 = 1
    ) -> Record {
        .directory(
            DirectoryReport(
                scan: scan, tree: tree, path: Array(path.utf8), time: time(seconds), stat: stat,
                entries: entries.map { FileEntry(name: Array($0.0.utf8), stat: $0.1) }))
    }

    static func scan(_ phase: ScanReport.Phase, at seconds: Double, scan: UInt64 = 1) -> Record {
        .scan(ScanReport(scan: scan, tree: tree, phase: phase, time: time(seconds)))
    }
}

/// A book in a folder of its own.
struct TestBook {
    let folder: TemporaryFolder
    let book: Book

    init() throws {
        folder = try TemporaryFolder()
        book = try Book(path: folder.file)
    }

    var tree: Ownership.Tree {
        get throws { try #require(try book.tree(Sample.tree)) }
    }
}
