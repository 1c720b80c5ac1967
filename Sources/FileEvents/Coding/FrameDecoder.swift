/// Reads frames in the order they were written; definitions of one hold for all that follow.
package struct FrameDecoder: Sendable {
    package init() {}

    private struct Place {
        var tree: Int
        var path: [UInt8]
    }

    private var trees: [[UInt8]] = []
    private var places: [Place] = []
    private var actors: [Actor] = []
    private var accessLists: [[UInt8]] = []
    private var lastPath: [UInt8] = []
    private var definedBytes = 0

    private var columns: [ColumnReader] = []
    private var previous = Previous()

    /// Reads one frame's records.
    ///
    /// - Throws: `SegmentError` for anything that an encoder would not have written.
    package mutating func decode(_ frame: [UInt8], recordCount: Int) throws(SegmentError) -> [Record] {
        var input = ColumnReader(frame, in: 0..<frame.count)
        columns = []
        for _ in Column.allCases {
            let count = try input.count(limit: frame.count)
            let start = input.position
            _ = try input.raw(count)
            columns.append(ColumnReader(frame, in: start..<start + count))
        }
        try input.finish()
        previous = Previous()
        try readDefinitions()
        guard recordCount == columns[Column.kinds.rawValue].remaining else {
            throw SegmentError(.malformed, "a frame has another number of records than it says")
        }
        var records: [Record] = []
        records.reserveCapacity(recordCount)
        for _ in 0..<recordCount { records.append(try readRecord()) }
        for column in columns { try column.finish() }
        return records
    }

    // MARK: Definitions

    private mutating func readDefinitions() throws(SegmentError) {
        var column = columns[Column.definitions.rawValue]
        while column.remaining > 0 {
            switch try column.byte() {
            case DefinitionTag.tree:
                let tree = try column.data()
                trees.append(tree)
                definedBytes += tree.count + 32
            case DefinitionTag.directory:
                let tree = try column.count(limit: Int.max)
                guard tree < trees.count else { throw Self.undefined("tree") }
                let shared = try column.count(limit: lastPath.count)
                var path = Array(lastPath[..<shared])
                path += try column.data()
                guard path.count <= SegmentLimits.path else {
                    throw SegmentError(.malformed, "a path is too long")
                }
                lastPath = path
                places.append(Place(tree: tree, path: path))
                definedBytes += path.count + 64
            case DefinitionTag.actor:
                let actor = try Actor(from: &column)
                actors.append(actor)
                definedBytes += actor.executable.count + 512
            case DefinitionTag.accessList:
                let list = try column.data()
                guard list.count <= SegmentLimits.accessList else {
                    throw SegmentError(.malformed, "an ACL is too long")
                }
                accessLists.append(list)
                definedBytes += list.count + 64
            default: throw SegmentError(.malformed, "a definition of an unknown kind")
            }
            guard definedBytes <= SegmentLimits.definitions + SegmentLimits.frame else {
                throw SegmentError(.tooLarge, "a segment defines too much")
            }
        }
        columns[Column.definitions.rawValue] = column
    }

    private static func undefined(_ what: String) -> SegmentError {
        SegmentError(.malformed, "a record refers to an undefined \(what)")
    }

    // MARK: Records

    private mutating func readRecord() throws(SegmentError) -> Record {
        let tag = try columns[Column.kinds.rawValue].byte()
        if tag & RecordTag.other == 0 { return .event(try readEvent(tag)) }
        switch tag {
        case RecordTag.gap: return .gap(try readGap())
        case RecordTag.directory: return .directory(try readDirectory())
        case RecordTag.scan: return .scan(try readScan())
        case RecordTag.coverage: return .coverage(try readCoverage())
        default: throw SegmentError(.malformed, "a record of an unknown kind")
        }
    }

    private mutating func readEvent(_ tag: UInt8) throws(SegmentError) -> FileEvent {
        guard let kind = FileEvent.Kind(rawValue: tag & RecordTag.kindMask) else {
            throw SegmentError(.malformed, "an event of an unknown kind")
        }
        let time = try readTime()
        let place = try readPlace()
        let name = try readName()
        var destination: FileEvent.Destination?
        if tag & RecordTag.hasDestination != 0 {
            let target = try readPlace()
            guard target.tree == place.tree else {
                throw SegmentError(.malformed, "a rename leads to another tree")
            }
            destination = FileEvent.Destination(directory: target.path, name: try readName())
        }
        let actor = try columns[Column.actors.rawValue].count(limit: Int.max)
        guard actor < actors.count else { throw Self.undefined("actor") }
        let count: UInt32 =
            tag & RecordTag.isSingle != 0 ? 1 : try columns[Column.counts.rawValue].number32()
        let stat = tag & RecordTag.hasStat != 0 ? try readStat() : nil
        return FileEvent(
            time: time, kind: kind, tree: trees[place.tree], directory: place.path, name: name,
            destination: destination, stat: stat, accessList: try readAccessList(stat), actor: actors[actor],
            count: count)
    }

    private mutating func readGap() throws(SegmentError) -> Gap {
        var rest = columns[Column.rest.rawValue]
        let tree = try rest.count(limit: trees.count)
        guard let reason = Gap.Reason(rawValue: try rest.byte()) else {
            throw SegmentError(.malformed, "a gap for an unknown reason")
        }
        let from = try rest.difference()
        let until = try rest.difference()
        let lost = try rest.byte() == 0 ? nil : try rest.number()
        columns[Column.rest.rawValue] = rest
        return Gap(
            tree: tree == 0 ? nil : trees[tree - 1], from: from, until: until, reason: reason, lost: lost)
    }

    private mutating func readDirectory() throws(SegmentError) -> DirectoryReport {
        let time = try readTime()
        let place = try readPlace()
        var rest = columns[Column.rest.rawValue]
        let scan = try rest.number()
        let part = try rest.number32()
        let flags = try rest.byte()
        guard flags <= 3 else { throw SegmentError(.malformed, "a report has unknown flags") }
        let count = try rest.count(limit: DirectoryReport.entryLimit)
        columns[Column.rest.rawValue] = rest
        let stat = flags & 2 != 0 ? try readStat() : nil
        let accessList = try readAccessList(stat)
        var entries: [DirectoryReport.Entry] = []
        for _ in 0..<count { entries.append(.init(name: try readName(), stat: try readStat())) }
        return DirectoryReport(
            scan: scan, tree: trees[place.tree], path: place.path, time: time, stat: stat,
            accessList: accessList, entries: entries, part: part, isLast: flags & 1 != 0)
    }

    private mutating func readScan() throws(SegmentError) -> ScanReport {
        let time = try readTime()
        var rest = columns[Column.rest.rawValue]
        let scan = try rest.number()
        let tree = try rest.count(limit: Int.max)
        guard tree < trees.count else { throw Self.undefined("tree") }
        guard let phase = ScanReport.Phase(rawValue: try rest.byte()) else {
            throw SegmentError(.malformed, "a scan in an unknown phase")
        }
        let (directories, entries, all) = (try rest.number(), try rest.number(), try rest.number())
        var problems: [ScanReport.Problem] = []
        for _ in 0..<(try rest.count(limit: ScanReport.problemLimit)) {
            problems.append(.init(path: try rest.data(), number: try rest.number32()))
        }
        columns[Column.rest.rawValue] = rest
        return ScanReport(
            scan: scan, tree: trees[tree], phase: phase, time: time, directoryCount: directories,
            entryCount: entries, problemCount: all, problems: problems)
    }

    private mutating func readCoverage() throws(SegmentError) -> Coverage {
        let time = try readTime()
        var rest = columns[Column.rest.rawValue]
        let tree = try rest.count(limit: Int.max)
        guard tree < trees.count else { throw Self.undefined("tree") }
        guard let extent = Coverage.Extent(rawValue: try rest.byte()) else {
            throw SegmentError(.malformed, "a coverage of an unknown extent")
        }
        let fileSystem = try rest.text()
        columns[Column.rest.rawValue] = rest
        return Coverage(tree: trees[tree], extent: extent, fileSystem: fileSystem, time: time)
    }

    // MARK: Fields

    private mutating func readTime() throws(SegmentError) -> Int64 {
        previous.time &+= try columns[Column.times.rawValue].difference()
        return previous.time
    }

    private mutating func readPlace() throws(SegmentError) -> Place {
        let number = try columns[Column.directories.rawValue].count(limit: Int.max)
        guard number < places.count else { throw Self.undefined("directory") }
        return places[number]
    }

    private mutating func readName() throws(SegmentError) -> [UInt8] {
        let shared = try columns[Column.shared.rawValue].count(limit: previous.name.count)
        let count = try columns[Column.suffixLengths.rawValue].count(limit: SegmentLimits.name)
        guard shared + count <= SegmentLimits.name else {
            throw SegmentError(.malformed, "a name is too long")
        }
        var name: [UInt8] = []
        name.reserveCapacity(shared + count)
        name += previous.name[..<shared]
        name += try columns[Column.suffixes.rawValue].raw(count)
        previous.name = name
        return name
    }

    private mutating func readStat() throws(SegmentError) -> FileStat {
        previous.inode &+= UInt64(bitPattern: try columns[Column.inodes.rawValue].difference())
        let size = try columns[Column.sizes.rawValue].number()
        let blocks = try columns[Column.blocks.rawValue].difference()
        previous.changed &+= try columns[Column.changed.rawValue].difference()
        return FileStat(
            inode: previous.inode, mode: try columns[Column.modes.rawValue].number32(),
            uid: try columns[Column.uids.rawValue].number32(),
            gid: try columns[Column.gids.rawValue].number32(),
            links: try columns[Column.links.rawValue].number32(), size: size,
            blocks: expectedBlocks(size) &+ UInt64(bitPattern: blocks), modified: try readModified(),
            changed: previous.changed)
    }

    private mutating func readAccessList(_ stat: FileStat?) throws(SegmentError) -> [UInt8]? {
        guard let stat, stat.isDirectory else { return nil }
        let code = try columns[Column.accessLists.rawValue].count(limit: Int.max)
        switch code {
        case 0: return nil
        case 1: return []
        default:
            guard code - 2 < accessLists.count else { throw Self.undefined("ACL") }
            return accessLists[code - 2]
        }
    }

    private mutating func readModified() throws(SegmentError) -> Int64 {
        let nanoseconds = try columns[Column.modifiedNanoseconds.rawValue].count(limit: 1_000_000_000)
        if nanoseconds == 0 { return previous.changed }
        previous.modifiedSeconds &+= try columns[Column.modifiedSeconds.rawValue].difference()
        let (product, overflow) = previous.modifiedSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { throw SegmentError(.malformed, "a time is out of range") }
        return product &+ Int64(nanoseconds - 1)
    }
}
