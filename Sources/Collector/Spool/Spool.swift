package import FileEvents
import Glibc
package import Support

/// Records on their way to the gateway: segments in a folder, written so that a kill at any moment loses at most what was
/// not yet flushed, and never the chain.
///
/// Not `Sendable`: one thread uses it.
package final class Spool {
    /// How the writer before this one ended.
    package enum LastRun: Equatable, Sendable {
        case never
        /// It said goodbye, in this boot.
        case stopped(at: Int64)
        /// It was killed, in this boot.
        case killed(at: Int64)
        /// It was in another boot.
        case rebooted(at: Int64)
    }

    /// What was counted since this spool was opened.
    package struct Counters: Equatable, Sendable {
        /// Records taken.
        package var records: UInt64 = 0
        /// Bytes written.
        package var bytes: UInt64 = 0
        /// Records dropped for want of room.
        package var dropped: UInt64 = 0
        package var segments: UInt64 = 0
    }

    package let lastRun: LastRun
    package private(set) var counters = Counters()
    /// Why nothing can be written at present.
    package private(set) var problem: SystemError?

    private let settings: SpoolSettings
    private let folder: SpoolFolder
    private var chain: SpoolChain
    private var segment: SegmentWriter?
    private var file: Descriptor?
    /// The whole part of the file.
    private var fileLength: Int64 = 0
    /// Bytes of the segment that could not be written yet.
    private var unwritten: [UInt8] = []
    /// Set when `unwritten` ends the segment: its hash.
    private var ending: [UInt8]?
    private var oldestPending: Int64?
    private var began: Int64 = 0
    private var used: UInt64 = 0
    private var waiting = 0
    /// When `used` and `waiting` were counted.
    private var measured: Int64 = 0
    private var lost: (count: UInt64, since: Int64)?

    /// Opens the spool, and finishes the segment that a killed writer left.
    ///
    /// - Throws: `SystemError`; `EAGAIN` when another program writes here; `SegmentError` of libcrypto.
    package init(_ settings: SpoolSettings) throws {
        self.settings = settings
        let folder = try SpoolFolder(settings.folder, settings.stream)
        self.folder = folder
        let alive = folder.lastAlive()
        let (chain, isKnown) = try Self.recover(folder, settings)
        if !isKnown {
            lastRun = .never
        } else if chain.boot != settings.boot {
            lastRun = .rebooted(at: alive ?? 0)
        } else {
            lastRun = chain.isStopped ? .stopped(at: alive ?? 0) : .killed(at: alive ?? 0)
        }
        self.chain = chain
        if chain.boot != settings.boot {
            self.chain.boot = settings.boot
            self.chain.nextSequence = 1
        }
        self.chain.isStopped = false
        try folder.write(self.chain)
        try measure(now: 0)
    }

    /// Brings the folder into order: what was finished is renamed, what was torn is finished.
    private static func recover(
        _ folder: SpoolFolder, _ settings: SpoolSettings
    ) throws -> (SpoolChain, isKnown: Bool) {
        var chain = folder.readChain()
        let items = try folder.items()
        // The memory is lost: the newest finished segment says where the chain ends.
        if chain == nil, let last = items.last(where: { !$0.isOpen }) {
            let bytes = try Descriptor.open(folder.finished(last.number), O_RDONLY)
                .readAll(limit: SegmentLimits.fileSize)
            let recovery = try SegmentRecovery(bytes)
            var found = SpoolChain()
            found.number = last.number
            found.hash = SegmentRecovery.hash(ofFinished: bytes)
            found.boot = recovery.header.boot
            found.nextSequence = recovery.nextSequence
            chain = found
        }
        let isKnown = chain != nil || !items.isEmpty
        var end = chain ?? SpoolChain()
        for item in items where item.isOpen {
            let path = folder.open(item.number)
            if item.number == end.number {
                // Finished and noted; only the rename was missing.
                try SystemError.check(unsafe rename(path, folder.finished(item.number)), "rename \(path)")
                continue
            }
            let file = try Descriptor.open(path, O_RDWR)
            let bytes = try file.readAll(limit: SegmentLimits.fileSize)
            guard let torn = try? SegmentRecovery(bytes), torn.header.number == end.number + 1,
                torn.header.previous == end.hash
            else {
                // Not even a header: nothing was ever in it.
                try SystemError.check(unsafe unlink(path), "unlink \(path)")
                continue
            }
            let (footer, hash) = try torn.finish(settings.key)
            try SystemError.check(ftruncate(file.number, off_t(torn.wholeCount)), "ftruncate \(path)")
            try SystemError.check(lseek(file.number, 0, SEEK_END), "lseek \(path)")
            try file.writeAll(footer)
            try SystemError.check(fdatasync(file.number), "fdatasync \(path)")
            end.number = item.number
            end.hash = hash
            end.boot = torn.header.boot
            end.nextSequence = torn.nextSequence
            end.isStopped = false
            try folder.write(end)
            try SystemError.check(unsafe rename(path, folder.finished(item.number)), "rename \(path)")
        }
        folder.sync()
        return (end, isKnown)
    }

    /// Counts what waits in the folder.
    private func measure(now: Int64) throws(SystemError) {
        measured = now
        let items = try folder.items()
        used = items.reduce(0) { $0 + $1.size }
        waiting = items.count { !$0.isOpen }
    }

    // MARK: Records

    /// Takes a record, or counts it as lost when there is no room; never waits.
    ///
    /// - Returns: whether it was taken.
    @discardableResult
    package func append(_ record: Record, now: Int64) -> Bool {
        if problem != nil || lost != nil || used >= settings.capacity {
            lost = (lost.map { $0.count } ?? 0, lost?.since ?? now)
            lost?.count += 1
            counters.dropped += 1
            return false
        }
        take(record, now: now)
        if segment?.frameIsFull == true { flush(now: now) }
        return true
    }

    private func take(_ record: Record, now: Int64) {
        if segment == nil {
            let header = SegmentHeader(
                host: settings.host, boot: settings.boot, stream: settings.stream, number: chain.number + 1,
                firstSequence: chain.nextSequence, previous: chain.hash, created: now)
            segment = SegmentWriter(header)
            began = now
        }
        segment?.append(record)
        counters.records += 1
        if oldestPending == nil { oldestPending = now }
    }

    /// Writes what has waited long enough, and ends the segment when it is time.
    package func tick(now: Int64) {
        if let oldest = oldestPending, now - oldest >= settings.flushInterval || now < oldest {
            flush(now: now)
        }
        if problem != nil { retry(now: now) }
        if lost != nil, problem == nil { tellLoss(now: now) }
        if let full = segment?.isFull, full || isTimeToEnd(now), oldestPending == nil { end(now: now) }
    }

    /// Writes what waits, and notes that all that happened until `time` is told: a gap after a kill begins there.
    ///
    /// Call it each second, and soon after a gap was told, or a kill could take the gap with it.
    package func noteAlive(at time: Int64, now: Int64) {
        flush(now: now)
        if problem == nil, lost == nil { folder.noteAlive(at: time) }
    }

    private func isTimeToEnd(_ now: Int64) -> Bool {
        // What was shipped meanwhile waits no more.
        if waiting >= SpoolSettings.backlog, now - measured >= 1_000_000 || now < measured {
            try? measure(now: now)
        }
        return waiting < SpoolSettings.backlog || now - began >= SpoolSettings.backlogInterval || now < began
    }

    /// Writes everything, ends the segment, and says goodbye.
    package func close(now: Int64) {
        flush(now: now)
        if lost != nil, problem == nil {
            tellLoss(now: now)
            flush(now: now)
        }
        end(now: now)
        chain.isStopped = true
        if problem == nil {
            try? folder.write(chain)
            if lost == nil { folder.noteAlive(at: now) }
        }
    }

    /// Writes and synchronises what waits.
    package func flush(now: Int64) {
        guard segment?.hasPendingRecords == true, unwritten.isEmpty else { return }
        oldestPending = nil
        let isFirst = file == nil
        do {
            let frame = try segment?.takeFrame() ?? []
            unwritten = (isFirst ? segment?.start ?? [] : []) + frame
        } catch {
            problem = SystemError("\(error)", number: EIO)
            return
        }
        write(now: now)
        if segment?.isFull == true { end(now: now) }
    }

    private func end(now: Int64) {
        guard let isEmpty = segment?.isEmpty, !isEmpty, unwritten.isEmpty, ending == nil else { return }
        let isFirst = file == nil
        do {
            let start = isFirst ? segment?.start ?? [] : []
            guard let (rest, hash) = try segment?.finish(settings.key) else { return }
            oldestPending = nil
            unwritten = start + rest
            ending = hash
        } catch {
            problem = SystemError("\(error)", number: EIO)
            return
        }
        write(now: now)
    }

    // MARK: The disk

    /// Writes `unwritten`; on failure the file keeps its whole part and everything is tried again later.
    private func write(now: Int64) {
        do throws(SystemError) {
            try writeOrThrow(now: now)
            problem = nil
        } catch {
            problem = error
            if let file { _ = ftruncate(file.number, off_t(fileLength)) }
        }
    }

    private func writeOrThrow(now: Int64) throws(SystemError) {
        guard let next = segment?.nextSequence else { return }
        let number = chain.number + 1
        let target: Descriptor
        if let file {
            target = file
        } else {
            target = try Descriptor.open(folder.open(number), O_RDWR | O_CREAT | O_TRUNC)
            file = target
            fileLength = 0
        }
        if !unwritten.isEmpty {
            try SystemError.check(lseek(target.number, off_t(fileLength), SEEK_SET), "lseek")
            try target.writeAll(unwritten)
            try SystemError.check(fdatasync(target.number), "fdatasync \(folder.open(number))")
            fileLength += Int64(unwritten.count)
            used += UInt64(unwritten.count)
            counters.bytes += UInt64(unwritten.count)
            unwritten = []
        }
        guard let hash = ending else { return }
        var finished = chain
        finished.number = number
        finished.hash = hash
        finished.nextSequence = next
        // The memory first: a finished segment may be shipped and gone in the next moment.
        try folder.write(finished)
        try SystemError.check(
            unsafe rename(folder.open(number), folder.finished(number)), "rename \(folder.open(number))")
        chain = finished
        ending = nil
        segment = nil
        file = nil
        counters.segments += 1
        try measure(now: now)
    }

    private func retry(now: Int64) {
        if unwritten.isEmpty, ending == nil {
            problem = nil
        } else {
            write(now: now)
        }
        try? measure(now: now)
    }

    /// Says how much was lost, once there is room again.
    private func tellLoss(now: Int64) {
        try? measure(now: now)
        guard let lost, used < settings.capacity else { return }
        self.lost = nil
        take(
            .gap(Gap(tree: nil, from: lost.since, until: now, reason: .spoolFull, lost: lost.count)), now: now
        )
    }
}
