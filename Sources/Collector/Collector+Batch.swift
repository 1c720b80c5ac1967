import FileEvents
import Glibc
import Support

/// From events of the kernel to records.
extension Collector {
    /// So many events are taken at once, which bounds memory.
    private static let batchLimit = 8_192

    /// Reads what waits and spools it.
    ///
    /// - Returns: whether there was anything, so that more may follow.
    @discardableResult
    func runBatch() -> Bool {
        // What has happened to processes before the events is told first, so that they are found.
        drainProcesses()
        let before = Clock.microseconds
        let isEmpty = readQueues()
        let now = Clock.nanoseconds
        drainProcesses()
        defer {
            if isEmpty { lastDrained = before }
        }
        if notices.isEmpty { return false }
        if !resolver.isPrepared { resolver.prepare(trees) }
        for notice in notices { take(notice, now: now) }
        notices.removeAll(keepingCapacity: true)
        for change in batch.changes { spool(change, now: now) }
        batch.removeAll()
        directories.endBatch()
        if isEmpty { processes.endBatch() }
        return true
    }

    /// - Returns: whether nothing is left.
    private func readQueues() -> Bool {
        for case let queue? in [names, files] {
            do throws(SystemError) {
                while try queue.read(into: &notices) {
                    if notices.count >= Self.batchLimit { return false }
                }
            } catch {
                log.error("file events are lost", ["error": error.description])
                tellOfOverflow(until: Clock.microseconds)
            }
        }
        return true
    }

    private func take(_ notice: FileNotice, now: Int64) {
        // Taken over at once, so that it is closed on every way out.
        let file = notice.descriptor >= 0 ? Descriptor(adopting: notice.descriptor) : nil
        if notice.has(FileNotice.Mask.overflow) {
            tellOfOverflow(until: now / 1_000)
            return
        }
        if notice.pid == ownPid { return }
        if let file {
            take(notice, file: file, now: now)
        } else if let new = notice.newPlace, let old = notice.place {
            takeRename(notice, from: old, to: new)
        } else if let place = notice.place {
            takeName(notice, place)
        }
    }

    private func location(of handle: FileHandle) -> DirectoryCache.Location {
        directories.location(of: handle) { resolver.location(of: $0, in: trees) }
    }

    // MARK: Names

    private func takeName(_ notice: FileNotice, _ place: FileNotice.Place) {
        guard case .inside(let tree, let path) = location(of: place.directory) else { return }
        let isSelf = place.name == [0x2E]
        var change = NameChange(
            tree: tree, directory: path, name: place.name, handle: place.directory, mask: notice.mask,
            pid: notice.pid)
        if isSelf {
            // The root of a tree has neither name nor directory in it.
            let slash = path.lastIndex(of: 0x2F)
            change.directory = slash.map { Array(path[..<$0]) } ?? []
            change.name = slash.map { Array(path[($0 + 1)...]) } ?? path
            change.isDirectoryItself = true
        } else if notice.has(FileNotice.Mask.directory), let target = notice.target {
            if notice.has(FileNotice.Mask.delete) { directories.remove(target) }
            if notice.has(FileNotice.Mask.create) {
                directories.add(target, at: .inside(tree: tree, path: path.appending(place.name)))
            }
        }
        batch.add(change)
    }

    private func takeRename(
        _ notice: FileNotice, from old: FileNotice.Place, to new: FileNotice.Place
    ) {
        let (from, to) = (location(of: old.directory), location(of: new.directory))
        let isDirectory = notice.has(FileNotice.Mask.directory)
        if isDirectory {
            directories.rename(
                notice.target, from: from.appending(old.name), to: to.appending(new.name))
        }
        let directoryBit = notice.mask & FileNotice.Mask.directory
        switch (from, to) {
        case (.inside(let tree, let path), .inside(let newTree, let newPath)) where tree == newTree:
            batch.addRename(
                NameChange(
                    tree: tree, directory: path, name: old.name, handle: old.directory,
                    destination: .init(directory: newPath, name: new.name, handle: new.directory),
                    mask: notice.mask, pid: notice.pid))
            return
        default: break
        }
        // It left a tree or came into one.
        if case .inside(let tree, let path) = from {
            batch.add(
                NameChange(
                    tree: tree, directory: path, name: old.name, handle: old.directory,
                    mask: FileNotice.Mask.delete | directoryBit, pid: notice.pid))
        }
        if case .inside(let tree, let path) = to {
            batch.add(
                NameChange(
                    tree: tree, directory: path, name: new.name, handle: new.directory,
                    mask: FileNotice.Mask.create | directoryBit, pid: notice.pid))
            // What a directory has brought along is known to nobody.
            if isDirectory { requestScan(of: trees[tree]) }
        }
    }

    private func spool(_ change: NameChange, now: Int64) {
        guard let actor = actor(of: change.pid) else { return }
        let handle = change.destination?.handle ?? change.handle
        let name = change.destination?.name ?? change.name
        let stat =
            change.isOnlyDeletion
            ? nil : handle.flatMap { resolver.status(of: name, in: $0, itself: change.isDirectoryItself) }
        guard let kind = change.kind(stat: stat, now: now) else { return }
        let isGone = kind == .deleted || kind == .directoryDeleted
        var accessList: [UInt8]?
        if !isGone, let stat, stat.isDirectory {
            accessList = handle.flatMap {
                resolver.accessList(of: name, in: $0, itself: change.isDirectoryItself)
            }
        }
        append(
            FileEvent(
                time: now / 1_000, kind: kind, tree: trees[change.tree].path, directory: change.directory,
                name: change.name,
                destination: change.destination.map { .init(directory: $0.directory, name: $0.name) },
                stat: isGone ? nil : stat, accessList: accessList, actor: actor, count: change.count))
    }

    // MARK: Open files

    private func take(_ notice: FileNotice, file: Descriptor, now: Int64) {
        guard let actor = actor(of: notice.pid), let path = HandleResolver.path(of: file) else { return }
        for tree in trees where tree.extent == .closedWrites {
            guard let relative = tree.relative(path), let stat = FileStat(descriptor: file), stat.links > 0
            else {
                continue
            }
            let slash = relative.lastIndex(of: 0x2F)
            let change = NameChange(
                tree: 0, directory: slash.map { Array(relative[..<$0]) } ?? [],
                name: slash.map { Array(relative[($0 + 1)...]) } ?? relative, mask: notice.mask,
                pid: notice.pid)
            guard let kind = change.kind(stat: stat, now: now) else { return }
            append(
                FileEvent(
                    time: now / 1_000, kind: kind, tree: tree.path, directory: change.directory,
                    name: change.name,
                    stat: stat, actor: actor))
            return
        }
    }

    private func append(_ event: FileEvent) {
        eventCount += 1
        spool.append(.event(event), now: event.time)
    }

    private func actor(of pid: UInt32) -> Actor? {
        processes.actor(of: pid, proc) { login, auditSession in
            let record = sessions.record(of: auditSession, login: login)
            return (record?.session, record?.connection)
        }
    }
}

extension [UInt8] {
    /// This path with another name below it.
    fileprivate func appending(_ name: [UInt8]) -> [UInt8] {
        isEmpty ? name : self + [0x2F] + name
    }
}

extension DirectoryCache.Location {
    /// The location of a name in this directory.
    fileprivate func appending(_ name: [UInt8]) -> Self {
        guard case .inside(let tree, let path) = self else { return self }
        return .inside(tree: tree, path: path.appending(name))
    }
}
