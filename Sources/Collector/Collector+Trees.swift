import CWatch
import FileEvents
import Shipping
import Support

/// Which trees are watched and how; what was missed, and what has to be scanned for that.
extension Collector {
    /// Begins to watch all trees that are there.
    func openTrees() {
        for index in trees.indices {
            open(index)
            tellCoverage(of: index)
        }
        resolver.prepare(trees)
    }

    private func tellCoverage(of index: Int) {
        let (tree, now) = (trees[index], Clock.microseconds)
        spool.append(
            .coverage(
                Coverage(tree: tree.path, extent: tree.extent, fileSystem: tree.fileSystemName, time: now)),
            now: now)
    }

    /// Tries the richest way first; what the file system refuses is told, and the next one tried.
    private func open(_ index: Int) {
        trees[index].extent = .none
        trees[index].identity = trees[index].look()
        guard trees[index].identity != nil else {
            trees[index].lostSince = trees[index].lostSince ?? Clock.microseconds
            log.warning("a tree is not there", ["tree": trees[index].text])
            return
        }
        var (number, type): (UInt64, UInt64) = (0, 0)
        if unsafe gh_file_system(trees[index].text, &number, &type) == 0 {
            trees[index].fileSystem = number
            trees[index].fileSystemName = FileSystemName.name(type)
        }
        if mark(index, in: &names, .names) {
            trees[index].extent = .everything
        } else if mark(index, in: &files, .files) {
            trees[index].extent = .closedWrites
        }
        log.info(
            "a tree is watched",
            [
                "tree": trees[index].text, "extent": "\(trees[index].extent)",
                "kind": trees[index].fileSystemName,
            ])
    }

    private func mark(_ index: Int, in queue: inout FileQueue?, _ kind: FileQueue.Kind) -> Bool {
        do throws(SystemError) {
            if queue == nil { queue = try FileQueue(kind) }
            try queue?.mark(trees[index].text)
            return true
        } catch {
            log.info(
                "a file system cannot be watched this way", ["kind": "\(kind)", "error": error.description])
            return false
        }
    }

    /// Says what was missed between the last run and this one.
    func tellOfAbsence(until now: Int64) {
        let gap: Gap?
        switch spool.lastRun {
        case .never: gap = nil
        case .stopped(let time): gap = Gap(tree: nil, from: time, until: now, reason: .stopped)
        case .killed(let time): gap = Gap(tree: nil, from: time, until: now, reason: .restarted)
        case .rebooted(let time): gap = Gap(tree: nil, from: time, until: now, reason: .reboot)
        }
        if let gap { append(gap) }
        for tree in trees { requestScan(of: tree) }
    }

    /// The kernel's queue was full: anything may have happened in any tree.
    func tellOfOverflow(until now: Int64) {
        for tree in trees where tree.extent == .everything {
            append(Gap(tree: tree.path, from: lastDrained, until: now, reason: .overflow))
            requestScan(of: tree)
        }
        // Renames may have been among what was lost.
        directories.forgetAll()
    }

    /// Asks whoever scans this tree to do it now.
    func requestScan(of tree: WatchedTree) {
        RescanRequests(settings.runtime).add(tree.text)
    }

    /// Looks whether all trees are still what they were.
    func checkTrees() {
        var hasChanged = false
        for index in trees.indices where trees[index].look() != trees[index].identity {
            hasChanged = true
            let now = Clock.microseconds
            let since = trees[index].lostSince ?? lastDrained
            trees[index].lostSince = since
            open(index)
            tellCoverage(of: index)
            guard trees[index].extent != .none else { continue }
            trees[index].lostSince = nil
            append(Gap(tree: trees[index].path, from: since, until: now, reason: .mountLost))
            requestScan(of: trees[index])
        }
        if hasChanged {
            directories.forgetAll()
            resolver.release()
        }
    }

    /// Says for the shipper and `gatehouse watch status` how it goes.
    func writeStatus() {
        var status = StatusFile()
        status.since = UInt64(clamping: started / 1_000)
        status.events = eventCount
        status.gaps = gapCount
        status.trees = trees.filter { $0.extent != .none }.map(\.text)
        do throws(SystemError) {
            try status.write(in: settings.runtime)
        } catch {
            log.debug("the status cannot be written", ["error": error.description])
        }
    }
}
