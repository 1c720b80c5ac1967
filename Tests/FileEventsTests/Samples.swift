import FileEvents
import SSHKeys

/// Numbers that look random and are the same in each run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Records of every kind with values from the usual to the extreme.
enum Samples {
    static let tree = Array("/shared/lab".utf8)

    static func header(
        number: UInt64 = 1, first: UInt64 = 1, previous: [UInt8] = SegmentHeader.noPrevious
    ) -> SegmentHeader {
        SegmentHeader(
            host: "communal1", boot: Array(0..<16), stream: .events, number: number, firstSequence: first,
            previous: previous, created: 1_790_000_000_000_000)
    }

    static func records(_ generator: inout SeededGenerator, count: Int) -> [Record] {
        (0..<count).map { _ in record(&generator) }
    }

    private static func record(_ generator: inout SeededGenerator) -> Record {
        switch UInt8.random(in: 0..<12, using: &generator) {
        case 0:
            .gap(
                Gap(
                    tree: Bool.random(using: &generator) ? tree : nil, from: SegmentLimits.times.lowerBound,
                    until: SegmentLimits.times.upperBound,
                    reason: Gap.Reason.allCases.randomElement(using: &generator) ?? .reboot,
                    lost: Bool.random(using: &generator) ? .max : nil))
        case 1: .directory(report(&generator))
        case 2:
            .scan(
                ScanReport(
                    scan: 7, tree: Array("/home".utf8), phase: .completed, time: time(&generator),
                    directoryCount: .max, entryCount: 2, problemCount: 3,
                    problems: [.init(path: name(&generator), number: 13)]))
        case 3: .coverage(Coverage(tree: tree, extent: .everything, fileSystem: "ext4", time: 1))
        default: .event(event(&generator))
        }
    }

    private static func report(_ generator: inout SeededGenerator) -> DirectoryReport {
        var stat = Bool.random(using: &generator) ? stat(&generator) : nil
        if Bool.random(using: &generator) { stat?.mode = 0o042775 }
        return DirectoryReport(
            scan: .max, tree: tree, path: path(&generator), time: time(&generator), stat: stat,
            accessList: accessList(&generator, of: stat),
            entries: (0..<Int.random(in: 0..<20, using: &generator)).map { _ in
                .init(name: name(&generator), stat: self.stat(&generator))
            }, part: .max, isLast: Bool.random(using: &generator))
    }

    /// Unknown, none, one of a few, or the longest.
    private static func accessList(_ generator: inout SeededGenerator, of stat: FileStat?) -> [UInt8]? {
        guard let stat, stat.isDirectory, Bool.random(using: &generator) else { return nil }
        let lists: [[UInt8]] = [
            [], [2, 0, 0, 0], [1], [UInt8](repeating: 7, count: SegmentLimits.accessList),
        ]
        return lists.randomElement(using: &generator)
    }

    private static func event(_ generator: inout SeededGenerator) -> FileEvent {
        let destination = FileEvent.Destination(
            directory: bytes(&generator, in: 1...20), name: name(&generator))
        var stat = Bool.random(using: &generator) ? stat(&generator) : nil
        if Bool.random(using: &generator) { stat?.mode = 0o040700 }
        return FileEvent(
            time: time(&generator),
            kind: FileEvent.Kind.allCases.randomElement(using: &generator) ?? .created,
            tree: tree, directory: Bool.random(using: &generator) ? [] : bytes(&generator, in: 1...40),
            name: name(&generator), destination: Bool.random(using: &generator) ? destination : nil,
            stat: stat, accessList: accessList(&generator, of: stat), actor: actor(&generator),
            count: Bool.random(using: &generator) ? 1 : .max)
    }

    private static func actor(_ generator: inout SeededGenerator) -> Actor {
        let origins: [Actor.Origin] = [
            .login, .switchedUser, .container("ab12"), .service("cron.service"), .kernel, .unknown,
        ]
        return Actor(
            uid: Bool.random(using: &generator) ? .max : nil,
            loginUID: Bool.random(using: &generator) ? 1_000 : nil,
            auditSession: Bool.random(using: &generator) ? 5 : nil,
            pid: UInt32.random(in: 0...9, using: &generator), command: Array("touch".utf8),
            executable: bytes(&generator, in: 0...3),
            origin: origins.randomElement(using: &generator) ?? .unknown,
            session: Bool.random(using: &generator) ? "01J0000000000000000000000" : nil,
            connection: Bool.random(using: &generator)
                ? .init(peerAddress: "::1", peerPort: 65_535, localAddress: "10.0.0.1", localPort: 22) : nil)
    }

    private static func stat(_ generator: inout SeededGenerator) -> FileStat {
        let changed = time(&generator)
        let usual = FileStat(
            inode: UInt64.random(in: 1...1_000, using: &generator), mode: 0o100644, uid: 1_000, gid: 1_000,
            links: 1, size: 5_000, blocks: 16, modified: changed, changed: changed)
        let extreme = FileStat(
            inode: .max, mode: .max, uid: .max, gid: .max, links: .max, size: SegmentLimits.length,
            blocks: SegmentLimits.length,
            modified: Bool.random(using: &generator) ? .max : .min, changed: .min)
        return Bool.random(using: &generator) ? usual : extreme
    }

    private static func time(_ generator: inout SeededGenerator) -> Int64 {
        Int64.random(in: 0...2_000_000_000_000_000, using: &generator)
    }

    private static func name(_ generator: inout SeededGenerator) -> [UInt8] {
        bytes(&generator, in: 1...SegmentLimits.name)
    }

    private static func path(_ generator: inout SeededGenerator) -> [UInt8] {
        Array((0..<3).map { _ in name(&generator) }.joined(separator: [UInt8(ascii: "/")]))
    }

    /// Bytes that may be a name.
    private static func bytes(_ generator: inout SeededGenerator, in counts: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: counts, using: &generator)).map { _ in
            let byte = UInt8.random(in: 1...255, using: &generator)
            return byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") ? 10 : byte
        }
    }
}

/// A finished segment of these records, a frame after each `frameSize`.
func segment(
    _ records: [Record], header: SegmentHeader = Samples.header(), key: PrivateKey, frameSize: Int = 50
) throws -> (bytes: [UInt8], hash: [UInt8]) {
    var writer = SegmentWriter(header)
    var bytes = writer.start
    for (index, record) in records.enumerated() {
        writer.append(record)
        if index % frameSize == frameSize - 1 { bytes += try writer.takeFrame() }
    }
    let (rest, hash) = try writer.finish(key)
    return (bytes + rest, hash)
}

/// All records of a segment.
func records(of bytes: [UInt8], signedBy key: PublicKey) throws -> [SequencedRecord] {
    var reader = try SegmentReader(bytes, signedBy: key)
    var all: [SequencedRecord] = []
    while let records = try reader.next() { all += records }
    return all
}
