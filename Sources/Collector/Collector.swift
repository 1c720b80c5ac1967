import FileEvents
import Glibc
package import Support

/// Watches trees and spools what happens in them and who did it; one thread, which calls `run`.
///
/// Births and programs of processes are noted as soon as they happen, file events in batches.
package final class Collector {
    let settings: CollectorSettings
    let spool: Spool
    let log: Log
    let sessions: SessionFolder
    let proc: ProcFolder
    let ownPid = UInt32(getpid())

    var trees: [WatchedTree]
    var processes: ProcessTable
    var directories = DirectoryCache()
    let resolver = HandleResolver()
    var batch = Batch()
    var names: FileQueue?
    var files: FileQueue?
    private var channel: ProcessChannel?

    var notices: [FileNotice] = []
    private var processNotices: [ProcessNotice] = []
    /// When the queue of names was last read to its end, in microseconds since 1970.
    var lastDrained = Clock.microseconds
    private var lastSecond = MonotonicTime(nanoseconds: 0)
    private var lastBatch = MonotonicTime(nanoseconds: 0)
    let started = Clock.microseconds
    var eventCount: UInt64 = 0
    var gapCount: UInt64 = 0
    private var toldProblem: Int32 = 0

    package init(_ settings: CollectorSettings, spool: Spool, log: Log) {
        self.settings = settings
        self.spool = spool
        self.log = log
        sessions = SessionFolder(runtime: settings.runtime, boot: settings.boot)
        proc = ProcFolder(asksForNamespaces: settings.isOnlyMountNamespace)
        trees = settings.trees.map { WatchedTree($0) }
        processes = ProcessTable(
            mountNamespace: settings.isOnlyMountNamespace ? ProcFolder.mountNamespace(of: "self") ?? 0 : nil)
    }

    /// Watches until one of `ends` becomes readable.
    ///
    /// - Throws: `SystemError` when nothing can be watched at all.
    package func run(until ends: [Descriptor]) throws(SystemError) {
        // A program that lives a millisecond can be asked for its name when this one comes at once.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -15)
        if settings.queueLimit > 0 { FileQueue.raiseLimit(to: settings.queueLimit) }
        try Folder.make(settings.runtime)
        openTrees()
        subscribe()
        processes.reset(proc)
        let now = Clock.microseconds
        tellOfAbsence(until: now)
        spool.noteAlive(at: now, now: now)
        log.notice("watching", ["trees": settings.trees.joined(separator: ",")])
        loop(until: ends)
        runBatch()
        spool.close(now: Clock.microseconds)
        log.notice("stopped", ["events": "\(eventCount)", "gaps": "\(gapCount)"])
    }

    private func subscribe() {
        do throws(SystemError) {
            let channel = try ProcessChannel()
            guard channel.isAcknowledged(within: .seconds(1)) else {
                throw SystemError("subscribing to the process connector", number: EPERM)
            }
            self.channel = channel
        } catch {
            log.warning(
                "processes that end at once cannot be told: the kernel does not say who is born",
                ["error": error.description])
        }
    }

    // MARK: The loop

    private func loop(until ends: [Descriptor]) {
        var due: MonotonicTime?
        while true {
            let now = MonotonicTime.now
            if let time = due, now >= time {
                lastBatch = now
                due = runBatch() ? now + .nanoseconds(settings.batchInterval) : nil
            }
            if (now - lastSecond).milliseconds >= 1_000 {
                lastSecond = now
                everySecond()
            }
            spool.tick(now: Clock.microseconds)
            tellOfProblem()
            let wakes = wait(for: ends, orFiles: due == nil, until: due ?? now + .milliseconds(250))
            if wakes.end { return }
            if wakes.files, due == nil {
                let next = lastBatch + .nanoseconds(settings.batchInterval)
                due = max(next, MonotonicTime.now + .milliseconds(2))
            }
            if wakes.processes { drainProcesses() }
        }
    }

    private func wait(
        for ends: [Descriptor], orFiles: Bool, until deadline: MonotonicTime
    ) -> (end: Bool, processes: Bool, files: Bool) {
        var requests: [pollfd] = []
        func add(_ descriptor: Descriptor?, _ isWanted: Bool = true) {
            requests.append(
                pollfd(fd: isWanted ? descriptor?.number ?? -1 : -1, events: Int16(POLLIN), revents: 0))
        }
        add(channel?.descriptor)
        add(names?.descriptor, orFiles)
        add(files?.descriptor, orFiles)
        for end in ends { add(end) }
        let left = max(deadline - .now, .zero).milliseconds
        guard unsafe poll(&requests, nfds_t(requests.count), Int32(clamping: left + 1)) > 0 else {
            return (false, false, false)
        }
        return (
            requests.dropFirst(3).contains { $0.revents != 0 }, requests[0].revents != 0,
            requests[1].revents != 0 || requests[2].revents != 0
        )
    }

    func drainProcesses() {
        guard let channel else { return }
        let isLossy = channel.drain(into: &processNotices)
        for notice in processNotices { processes.apply(notice, proc) }
        processNotices.removeAll(keepingCapacity: true)
        if isLossy {
            let now = Clock.microseconds
            // Nobody can be trusted to be who the table says.
            processes.reset(proc)
            append(Gap(tree: nil, from: lastDrained, until: now, reason: .connectorOverflow))
        }
    }

    private func everySecond() {
        checkTrees()
        // All that happened until the queue was read to its end is on the disk afterwards.
        runBatch()
        spool.noteAlive(at: lastDrained, now: Clock.microseconds)
        if lastBatch + .seconds(1) < MonotonicTime.now { resolver.release() }
        writeStatus()
    }

    // MARK: What is told

    func append(_ gap: Gap) {
        gapCount += 1
        spool.append(.gap(gap), now: gap.until)
        log.warning(
            "a gap",
            ["reason": "\(gap.reason)", "tree": gap.tree.map { String(decoding: $0, as: UTF8.self) } ?? "*"])
    }

    /// Says once what is wrong with the spool, and once that it is right again.
    private func tellOfProblem() {
        let number = spool.problem?.number ?? 0
        guard number != toldProblem else { return }
        toldProblem = number
        if let problem = spool.problem {
            log.error(
                "the spool cannot be written; events are counted and dropped", ["error": problem.description])
        } else {
            log.notice("the spool can be written again")
        }
    }
}
