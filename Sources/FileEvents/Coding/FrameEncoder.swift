/// Collects records as columns, and what they refer to as definitions that hold for the rest of the segment.
package struct FrameEncoder {
    package init() {}

    private struct Place: Hashable {
        var tree: Int
        var path: [UInt8]
    }

    private var columns = [ColumnWriter](repeating: ColumnWriter(), count: Column.allCases.count)
    private var previous = Previous()
    private var trees: [[UInt8]: Int] = [:]
    private var places: [Place: Int] = [:]
    private var actors: [Actor: Int] = [:]
    private var accessLists: [[UInt8]: Int] = [:]
    private var lastPath: [UInt8] = []
    // Most events are of the directory and the actor of the one before: no dictionary is asked then.
    private var latestPlace: (tree: [UInt8], path: [UInt8], number: Int)?
    private var latestActor: (actor: Actor, number: Int)?

    /// The frame's records so far.
    package private(set) var recordCount = 0
    /// The frame's bytes so far, nearly.
    private(set) var byteCount = 0
    /// The bytes of all definitions of the segment as the reader holds them.
    private(set) var definedBytes = 0

    var isEmpty: Bool { recordCount == 0 }

    private mutating func write(_ column: Column, _ body: (inout ColumnWriter) -> Void) {
        let before = columns[column.rawValue].bytes.count
        body(&columns[column.rawValue])
        byteCount += columns[column.rawValue].bytes.count - before
    }

    // MARK: Definitions

    mutating func number(ofTree tree: [UInt8]) -> Int {
        if let known = trees[tree] { return known }
        let number = trees.count
        trees[tree] = number
        definedBytes += tree.count + 32
        write(.definitions) {
            $0.byte(DefinitionTag.tree)
            $0.data(tree)
        }
        return number
    }

    mutating func number(ofDirectory path: [UInt8], inTree tree: [UInt8]) -> Int {
        if let latest = latestPlace, latest.path == path, latest.tree == tree { return latest.number }
        let place = Place(tree: number(ofTree: tree), path: path)
        if let known = places[place] {
            latestPlace = (tree, path, known)
            return known
        }
        let number = places.count
        places[place] = number
        definedBytes += path.count + 64
        let shared = commonPrefix(path, lastPath)
        lastPath = path
        write(.definitions) {
            $0.byte(DefinitionTag.directory)
            $0.number(UInt64(place.tree))
            $0.number(UInt64(shared))
            $0.data(path[shared...])
        }
        return number
    }

    mutating func number(ofActor actor: Actor) -> Int {
        if let latest = latestActor, latest.actor == actor { return latest.number }
        if let known = actors[actor] {
            latestActor = (actor, known)
            return known
        }
        let number = actors.count
        actors[actor] = number
        definedBytes += actor.executable.count + 512
        write(.definitions) { actor.write(to: &$0) }
        return number
    }

    private mutating func number(ofAccessList list: [UInt8]) -> Int {
        if let known = accessLists[list] { return known }
        let number = accessLists.count
        accessLists[list] = number
        definedBytes += list.count + 64
        write(.definitions) {
            $0.byte(DefinitionTag.accessList)
            $0.data(list)
        }
        return number
    }

    // MARK: Records

    /// Adds a record.
    package mutating func append(_ record: Record) {
        switch record {
        case .event(let event): append(event)
        case .gap(let gap): append(gap)
        case .directory(let report): append(report)
        case .scan(let report): append(report)
        case .coverage(let coverage): append(coverage)
        }
        recordCount += 1
    }

    private mutating func append(_ event: FileEvent) {
        let directory = number(ofDirectory: event.directory, inTree: event.tree)
        let target = event.destination.map { number(ofDirectory: $0.directory, inTree: event.tree) }
        let actor = number(ofActor: event.actor)
        var tag = event.kind.rawValue
        if event.stat != nil { tag |= RecordTag.hasStat }
        if target != nil { tag |= RecordTag.hasDestination }
        if event.count == 1 { tag |= RecordTag.isSingle }
        write(.kinds) { $0.byte(tag) }
        writeTime(event.time)
        write(.directories) { $0.number(UInt64(directory)) }
        writeName(event.name)
        if let target, let destination = event.destination {
            write(.directories) { $0.number(UInt64(target)) }
            writeName(destination.name)
        }
        write(.actors) { $0.number(UInt64(actor)) }
        if event.count != 1 { write(.counts) { $0.number(UInt64(event.count)) } }
        if let stat = event.stat { writeStat(stat, event.accessList) }
    }

    private mutating func append(_ gap: Gap) {
        let tree = gap.tree.map { number(ofTree: $0) }
        write(.kinds) { $0.byte(RecordTag.gap) }
        write(.rest) {
            $0.number(tree.map { UInt64($0) + 1 } ?? 0)
            $0.byte(gap.reason.rawValue)
            $0.difference(gap.from)
            $0.difference(gap.until)
            $0.byte(gap.lost == nil ? 0 : 1)
            if let lost = gap.lost { $0.number(lost) }
        }
    }

    private mutating func append(_ report: DirectoryReport) {
        precondition(report.entries.count <= DirectoryReport.entryLimit)
        let directory = number(ofDirectory: report.path, inTree: report.tree)
        write(.kinds) { $0.byte(RecordTag.directory) }
        writeTime(report.time)
        write(.directories) { $0.number(UInt64(directory)) }
        write(.rest) {
            $0.number(report.scan)
            $0.number(UInt64(report.part))
            $0.byte((report.isLast ? 1 : 0) | (report.stat == nil ? 0 : 2))
            $0.number(UInt64(report.entries.count))
        }
        if let stat = report.stat { writeStat(stat, report.accessList) }
        for entry in report.entries {
            writeName(entry.name)
            writeStat(entry.stat)
        }
    }

    private mutating func append(_ report: ScanReport) {
        let tree = number(ofTree: report.tree)
        write(.kinds) { $0.byte(RecordTag.scan) }
        writeTime(report.time)
        write(.rest) {
            $0.number(report.scan)
            $0.number(UInt64(tree))
            $0.byte(report.phase.rawValue)
            for count in [report.directoryCount, report.entryCount, report.problemCount] { $0.number(count) }
            $0.number(UInt64(min(report.problems.count, ScanReport.problemLimit)))
            for problem in report.problems.prefix(ScanReport.problemLimit) {
                $0.data(problem.path.prefix(ScanReport.problemPathLimit))
                $0.number(UInt64(problem.number))
            }
        }
    }

    private mutating func append(_ coverage: Coverage) {
        let tree = number(ofTree: coverage.tree)
        write(.kinds) { $0.byte(RecordTag.coverage) }
        writeTime(coverage.time)
        write(.rest) {
            $0.number(UInt64(tree))
            $0.byte(coverage.extent.rawValue)
            $0.data(coverage.fileSystem.utf8.prefix(SegmentLimits.name))
        }
    }

    // MARK: Fields

    private mutating func writeTime(_ time: Int64) {
        let difference = time &- previous.time
        previous.time = time
        write(.times) { $0.difference(difference) }
    }

    private mutating func writeName(_ name: [UInt8]) {
        let shared = commonPrefix(name, previous.name)
        write(.shared) { $0.number(UInt64(shared)) }
        write(.suffixLengths) { $0.number(UInt64(name.count - shared)) }
        write(.suffixes) { $0.raw(name[shared...]) }
        previous.name = name
    }

    /// Of an event, or of a report's own directory.
    private mutating func writeStat(_ stat: FileStat, _ accessList: [UInt8]?) {
        writeStat(stat)
        guard stat.isDirectory else { return }
        var code = 0
        if let accessList, accessList.count <= SegmentLimits.accessList {
            code = accessList.isEmpty ? 1 : number(ofAccessList: accessList) + 2
        }
        write(.accessLists) { $0.number(UInt64(code)) }
    }

    private mutating func writeStat(_ stat: FileStat) {
        let inode = Int64(bitPattern: stat.inode &- previous.inode)
        let blocks = Int64(bitPattern: stat.blocks &- expectedBlocks(stat.size))
        let (seconds, nanoseconds) = stat.modified.dividedByBillion
        let modified = seconds - previous.modifiedSeconds
        let changed = stat.changed &- previous.changed
        write(.inodes) { $0.difference(inode) }
        write(.modes) { $0.number(UInt64(stat.mode)) }
        write(.uids) { $0.number(UInt64(stat.uid)) }
        write(.gids) { $0.number(UInt64(stat.gid)) }
        write(.links) { $0.number(UInt64(stat.links)) }
        write(.sizes) { $0.number(stat.size) }
        write(.blocks) { $0.difference(blocks) }
        // Equal times are common, and cost one byte: nanoseconds from 1 to a billion, or 0 for "as changed".
        if stat.modified == stat.changed {
            write(.modifiedNanoseconds) { $0.number(0) }
        } else {
            write(.modifiedNanoseconds) { $0.number(UInt64(nanoseconds) + 1) }
            write(.modifiedSeconds) { $0.difference(modified) }
            previous.modifiedSeconds = seconds
        }
        write(.changed) { $0.difference(changed) }
        previous.inode = stat.inode
        previous.changed = stat.changed
    }

    // MARK: The frame

    /// The frame's contents; what comes next goes into a new one.
    package mutating func takeFrame() -> [UInt8] {
        var frame = ColumnWriter()
        for index in columns.indices {
            frame.data(columns[index].bytes)
            columns[index].removeAll()
        }
        previous = Previous()
        recordCount = 0
        byteCount = 0
        return frame.bytes
    }
}

/// How many bytes two names have in common from the start.
private func commonPrefix(_ left: [UInt8], _ right: [UInt8]) -> Int {
    let limit = min(left.count, right.count)
    var count = 0
    while count < limit, left[count] == right[count] { count += 1 }
    return count
}

extension Int64 {
    /// Quotient and remainder, the remainder never negative.
    var dividedByBillion: (seconds: Int64, nanoseconds: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? (quotient - 1, remainder + 1_000_000_000) : (quotient, remainder)
    }
}
