internal import FileEvents
internal import Glibc
internal import Ownership
internal import Support

extension TreeScanner {
    /// Takes what the readers have found until there is enough for a transaction. True: there will be no more.
    func writeSome() throws -> Bool {
        let began = MonotonicTime.now
        var count = 0
        var isDone = false
        while count < options.directoriesPerTransaction, MonotonicTime.now - began < .seconds(5) {
            guard let items = queue.take() else {
                isDone = true
                break
            }
            for item in items { try write(item) }
            count += items.count
        }
        let left = stack.retire(finished)
        finished.removeAll(keepingCapacity: true)
        if !problems.isEmpty {
            try book.add(problems, to: scan)
            problems = []
        }
        try reporter?.flush()
        try book.save(scan, frontier: frontier(left).bytes)
        return isDone
    }

    private func write(_ item: ReadDirectory) throws {
        let directory = item.directory
        finished.append(directory.serial)
        note(item.problems)
        noteMounts(item.mounts)
        defer { directory.parent = nil }
        guard var packed = item.packed else {
            if directory.path.isEmpty {
                let reason =
                    item.problems.first.map { SystemError("open", number: $0.number).reason } ?? "gone"
                throw ScanError(.badRoot, "\(String(decoding: tree.path, as: UTF8.self)): \(reason)")
            }
            return
        }
        scan.directories += 1
        scan.entries += Int64(packed.entryCount)
        let parent = directory.parent?.id ?? 0
        let name = directory.name
        if parent != 0, let known = map?.find(name, in: parent), known.digest == packed.digest,
            !options.reportsEverything
        {
            directory.id = known.id
            return
        }
        let row = try row(of: name, in: parent)
        if !item.unknownNames.isEmpty { packed = try keep(item.unknownNames, of: row, in: packed) }
        let stored = try book.store(packed, known: row, parent: parent, name: name, look)
        directory.id = stored.id
        if stored.isChanged { scan.changed += 1 }
        if stored.isChanged || options.reportsEverything { try report(packed, at: directory.path) }
    }

    private func row(of name: [UInt8], in parent: DirectoryID) throws -> DirectoryRow? {
        if isFresh { return nil }
        if parent == 0 { return try book.root(of: tree.id) }
        return try book.directory(name, in: parent)
    }

    /// What cannot be asked about is as it was before.
    private func keep(
        _ names: [[UInt8]], of row: DirectoryRow?, in packed: PackedDirectory
    ) throws -> PackedDirectory {
        guard let row else { return packed }
        var entries = try packed.parts.flatMap { try PackedPartReader.entries($0.bytes) }
        for name in names {
            if let entry = try book.entry(name, in: row.id) { entries.append(entry) }
        }
        return DirectoryPacker(digest: book.digest).pack(
            entries, stat: packed.stat, accessList: packed.accessList, time: packed.time)
    }

    private func note(_ problems: [ScanProblem]) {
        scan.problems += Int64(problems.count)
        self.problems += problems
        for problem in problems where reportedProblems.count < ScanReport.problemLimit {
            reportedProblems.append(
                ScanReport.Problem(path: problem.path, number: UInt32(clamping: problem.number)))
        }
    }

    // MARK: Reports

    private func report(_ packed: PackedDirectory, at path: [UInt8]) throws {
        guard let reporter else { return }
        let entries = try packed.parts.flatMap { try PackedPartReader.entries($0.bytes) }
        var part: UInt32 = 0
        var start = 0
        repeat {
            let end = min(entries.count, start + DirectoryReport.entryLimit)
            try reporter.report(
                DirectoryReport(
                    scan: UInt64(scan.id), tree: tree.path, path: path, time: packed.time, stat: packed.stat,
                    accessList: packed.accessList, entries: Array(entries[start..<end]), part: part,
                    isLast: end == entries.count))
            part += 1
            start = end
        } while start < entries.count
    }

    func report(_ phase: ScanReport.Phase) throws {
        guard let reporter else { return }
        try reporter.report(
            ScanReport(
                scan: UInt64(scan.id), tree: tree.path, phase: phase, time: Book.now,
                directoryCount: UInt64(scan.directories), entryCount: UInt64(scan.entries),
                problemCount: UInt64(scan.problems), problems: reportedProblems))
        try reporter.flush()
    }

    // MARK: Beginning and end

    /// What the book knows of the tree's directories; nil: more than memory is to hold.
    func loadMap() throws -> DirectoryMap? {
        let count = try book.directoryCount(of: tree.id)
        guard count <= options.mapLimit else { return nil }
        var map = DirectoryMap(capacity: count, digest: book.digest)
        try book.forEachDirectory(of: tree.id) { id, parent, name, digest in
            _ = map.add(id, name, in: parent, digest)
        }
        return map
    }

    /// Gives the readers the root, or what a killed scan had before it.
    func startWork() throws {
        if let bytes = try book.frontier(of: scan), let frontier = Frontier(bytes), try resume(frontier) {
            return
        }
        scan.directories = 0
        scan.entries = 0
        if isFresh, try book.root(of: tree.id) != nil {
            isFresh = false
            look.followsMoves = true
            map = try loadMap()
        }
        stack.push(stack.makeDirectory { PendingDirectory(serial: $0) })
    }

    /// False: the book does not have what the frontier is about.
    private func resume(_ frontier: Frontier) throws -> Bool {
        var work: [(directory: PendingDirectory?, names: PendingNames?)] = []
        func known(_ path: [UInt8]) throws -> PendingDirectory? {
            guard let row = try book.directory(at: path, in: tree.id) else { return nil }
            return stack.makeDirectory { PendingDirectory(path: path, id: row.id, serial: $0) }
        }
        for path in frontier.directories {
            if path.isEmpty {
                work.append((stack.makeDirectory { PendingDirectory(serial: $0) }, nil))
                continue
            }
            let (above, name) = Book.split(path)
            guard let parent = try known(above) else { return false }
            work.append((stack.makeDirectory { PendingDirectory(name, in: parent, serial: $0) }, nil))
        }
        for rest in frontier.rests {
            guard let parent = try known(rest.path) else { return false }
            var names: [UInt8] = []
            try book.forEachEntry(of: parent.id) { entry in
                guard entry.stat.isDirectory, !entry.name.lexicographicallyPrecedes(rest.firstName) else {
                    return
                }
                names += entry.name
                names.append(0)
            }
            work.append((nil, PendingNames(parent: parent, names: names)))
        }
        for (directory, names) in work {
            if let directory { stack.push(directory) }
            if let names { stack.push(names, isResult: false) }
        }
        return true
    }

    /// What has to be read after a kill, if the book is as it is at the end of this transaction.
    private func frontier(_ left: WorkStack.Rest) -> Frontier {
        var frontier = Frontier()
        // What is in a directory that is to be read again is found again.
        for directory in left.directories where directory.path.isEmpty || directory.parent?.id ?? 0 != 0 {
            frontier.directories.append(directory.path)
        }
        for directory in left.whole where directory.id != 0 {
            frontier.rests.append(Frontier.Rest(path: directory.path, firstName: []))
        }
        for list in left.lists where list.parent.id != 0 {
            frontier.rests.append(Frontier.Rest(path: list.parent.path, firstName: Array(list.next)))
        }
        return frontier
    }

    /// Ends the scan, in steps of a second or so: each is kept if the next one is killed.
    func finish() throws {
        let now = Book.now
        while try book.write({ try book.bury(look, at: now, limit: 1_000) }) {}
        try report(.completed)
        try book.write { try book.finishScan(scan, at: now) }
        scan.state = .completed
        scan.ended = now
    }
}
