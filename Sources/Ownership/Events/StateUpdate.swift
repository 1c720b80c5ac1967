import FileEvents
internal import SQLite

/// Brings the state of files up to what a segment tells, within the segment's transaction.
///
/// Of each name only the newest event counts, whichever came first; what a directory's last reading has seen already changes nothing.
final class StateUpdate {
    /// A directory in which names changed.
    private struct Folder: Hashable {
        var tree: [UInt8]
        var path: [UInt8]
    }

    /// The newest that is known of a name.
    private struct Latest {
        var event: StoredEvent
        /// What the name leads to: nil: nothing; unknown where the host could not ask.
        var stat: FileStat??
        /// The ACL of a directory; nil: unknown.
        var accessList: [UInt8]?
    }

    /// How long after something happened a busy host may tell its time, in microseconds.
    static let delay: Int64 = 2_000_000

    private let book: Book
    private let events: EventReader
    /// Nothing that was taken before is later than this.
    private let highest: Int64
    private let now: Int64
    private var pending: [Folder: [[UInt8]: Latest]] = [:]
    private var trees: [[UInt8]: Tree] = [:]
    private let parts: ReportParts
    /// Places that have a baseline, or need none.
    private var settled: Set<Settled> = []

    private struct Settled: Hashable {
        var directory: Int64
        var name: [UInt8]
    }

    /// - Parameters:
    ///   - stream: the number of the segment's stream.
    ///   - highest: the latest event that the book had before this segment.
    ///   - now: when the segment was received, in microseconds since 1970.
    init(book: Book, events: EventReader, stream: Int64, highest: Int64, now: Int64) {
        parts = ReportParts(book.database, book.packer, stream: stream)
        self.book = book
        self.events = events
        self.highest = highest
        self.now = now
    }

    // MARK: Events

    /// Whether an event may have made the file somebody else's. Hosts say that attributes changed, and rarely which.
    ///
    /// False only for what is certain: the owner is the one that was known, and nothing later is known. Whoever asks looks closer.
    func mayBeHandedOver(_ event: FileEvent) throws -> Bool {
        guard event.kind == .ownerChanged || event.kind == .modeChanged else { return false }
        guard event.kind == .modeChanged, event.time > highest, let stat = event.stat,
            let before = try known(event.name, in: Folder(tree: event.tree, path: event.directory))
        else { return true }
        return stat.uid != before.uid || stat.gid != before.gid
    }

    /// Notes an event that is in the tables already.
    func note(_ event: FileEvent, _ stored: StoredEvent, _ writer: EventWriter) throws {
        // The root of a tree is in no directory.
        if event.name.isEmpty {
            guard event.directory.isEmpty, let stat = event.stat, let tree = try tree(event.tree) else {
                return
            }
            try book.putRoot(stat, event.accessList, asOf: event.time, look(tree))
            return
        }
        let folder = Folder(tree: event.tree, path: event.directory)
        try keepBaseline(event, stored, folder, writer)
        switch event.kind {
        case .directoryRenamed: try move(event, stored)
        case .renamed:
            guard let destination = event.destination else {
                put(stored, .some(nil), folder, event.name)
                return
            }
            let target = Folder(tree: event.tree, path: destination.directory)
            let stat = try event.stat ?? known(event.name, in: folder)
            put(stored, .some(nil), folder, event.name)
            put(stored, stat.map { .some($0) }, target, destination.name)
        case .deleted, .directoryDeleted: put(stored, .some(nil), folder, event.name)
        case .created, .written, .ownerChanged, .modeChanged, .linked, .directoryCreated:
            put(stored, event.stat.map { .some($0) }, folder, event.name, event.accessList)
        }
    }

    private func put(
        _ event: StoredEvent, _ stat: FileStat??, _ folder: Folder, _ name: [UInt8],
        _ accessList: [UInt8]? = nil
    ) {
        if let known = pending[folder]?[name] {
            if known.event.isLater(than: event) { return }
            // It is still there, and what was known of it is better than nothing.
            if stat == nil, case .some(.some) = known.stat {
                pending[folder]?[name]?.event = event
                return
            }
        }
        pending[folder, default: [:]][name] = Latest(event: event, stat: stat, accessList: accessList)
    }

    /// What a name leads to, as far as is known now.
    private func known(_ name: [UInt8], in folder: Folder) throws -> FileStat? {
        if let known = pending[folder]?[name] { return known.stat ?? nil }
        guard let tree = try tree(folder.tree) else { return nil }
        return try book.entry(at: folder.path.appending(name: name), in: tree.id)?.stat
    }

    /// Keeps whose the file was before the first event of it: the event itself tells only how it is since.
    private func keepBaseline(
        _ event: FileEvent, _ stored: StoredEvent, _ folder: Folder, _ writer: EventWriter
    ) throws {
        guard settled.insert(Settled(directory: stored.directory, name: stored.name)).inserted else { return }
        switch event.kind {
        case .written, .ownerChanged, .modeChanged: break
        default: return
        }
        guard try events.events(at: stored.name, in: stored.directory, limit: 2).count == 1,
            let stat = try known(stored.name, in: folder),
            event.stat.map({ stat.inode == $0.inode && stat.changed < $0.changed }) ?? true
        else { return }
        let attributes = try writer.number(of: EventWriter.Attributes(stat))
        try book.database.run(
            "INSERT OR IGNORE INTO event_baselines VALUES (?1, ?2, ?3)", stored.directory, stored.name,
            attributes)
    }

    private func move(_ event: FileEvent, _ stored: StoredEvent) throws {
        try apply()
        guard let destination = event.destination, let tree = try tree(event.tree) else { return }
        let from = Folder(tree: event.tree, path: event.directory)
        let into = Folder(tree: event.tree, path: destination.directory)
        guard try isNews(stored, event.name, from), try isNews(stored, destination.name, into) else { return }
        try book.moveDirectory(
            event.directory.appending(name: event.name),
            to: destination.directory.appending(name: destination.name), asOf: event.time, look(tree))
    }

    /// Whether no later event, and no later reading of the directory, says something else of the name.
    private func isNews(_ event: StoredEvent, _ name: [UInt8], _ folder: Folder) throws -> Bool {
        guard let tree = try tree(folder.tree) else { return false }
        if let row = try book.directory(at: folder.path, in: tree.id), row.read >= event.time { return false }
        if event.time > highest { return true }
        guard let number = try events.number(ofDirectory: folder.path, in: folder.tree),
            let newest = try events.events(at: name, in: number, limit: 1).first
        else { return true }
        return !newest.isLater(than: event)
    }

    /// Puts the pending names into the state.
    private func apply() throws {
        let work = pending
        pending = [:]
        for (folder, names) in work.sorted(by: { $0.key.path.lexicographicallyPrecedes($1.key.path) }) {
            guard let tree = try tree(folder.tree) else { continue }
            let row = try book.directory(at: folder.path, in: tree.id)
            var files: [[UInt8]: FileStat?] = [:]
            var accessLists: [[UInt8]: [UInt8]] = [:]
            var latest = Int64.min
            for (name, known) in names {
                if let row, known.event.time <= row.read + Self.delay {
                    try explain(name, in: row.id, by: known.event)
                }
                guard let stat = known.stat, try isNews(known.event, name, folder) else { continue }
                files[name] = .some(stat)
                accessLists[name] = known.accessList
                latest = max(latest, known.event.time)
            }
            if !files.isEmpty {
                try book.apply(
                    files, accessLists: accessLists, to: folder.path, asOf: latest, look(tree))
            }
        }
    }

    private func look(_ tree: Tree) -> Look {
        Look(tree: tree.id, recordsChanges: false, now: now)
    }

    private func tree(_ path: [UInt8]) throws -> Tree? {
        if let known = trees[path] { return known }
        let tree = try book.makeTree(path)
        trees[path] = tree
        return tree
    }

    // MARK: Scans

    /// Puts what a scan found in a directory, when the last part of the report has come.
    func take(_ report: DirectoryReport) throws {
        try apply()
        guard var whole = try parts.add(report), let tree = try tree(report.tree) else { return }
        whole.time = min(whole.time, now)
        let look = try look(ofScanIn: tree)
        guard let stat = whole.stat else {
            try book.removeDirectory(whole.path, look)
            return
        }
        let changes = try book.replaceDirectory(
            whole.path, stat: stat, accessList: whole.accessList, entries: whole.entries, asOf: whole.time,
            look)
        guard let number = try events.number(ofDirectory: whole.path, in: whole.tree) else { return }
        if let directory = try book.directory(at: whole.path, in: tree.id)?.id {
            for name in Set(changes.map(\.name)) {
                for event in try events.events(at: name, in: number, limit: 16) {
                    try explain(name, in: directory, by: event)
                }
            }
        }
        try putBack(Folder(tree: whole.tree, path: whole.path), number, newerThan: whole.time)
    }

    private func look(ofScanIn tree: Tree) throws -> Look {
        guard let tree = try book.tree(tree.id), let scan = try book.unfinishedScan(of: tree.id) else {
            return Look(
                tree: tree.id, recordsChanges: tree.scanned != nil, since: tree.scanned ?? 0, now: now)
        }
        var look = book.look(scan, tree)
        look.now = now
        return look
    }

    /// Marks a difference between scans that an event explains.
    private func explain(_ name: [UInt8], in directory: DirectoryID, by event: StoredEvent) throws {
        try book.database.run(
            """
            UPDATE change SET event = ?3 WHERE directory = ?1 AND name = ?2 AND event IS NULL
            AND since < ?4 AND until + \(Self.delay) >= ?4
            """, directory, name, event.id, event.time)
    }

    /// Puts on top of a directory's reading what happened in it later, if that came earlier.
    private func putBack(_ folder: Folder, _ number: Int64, newerThan time: Int64) throws {
        guard highest > time else { return }
        let later = try book.database.rows(
            """
            SELECT \(StoredEvent.columns) FROM event_names n JOIN \(StoredEvent.source)
            WHERE n.directory = ?1 AND e.id = n.event AND s.latest > ?2
            """, [number, time], StoredEvent.init(row:))
        for event in later where event.time > time {
            let stat = try events.stat(after: event)
            if event.directory == number, let isPresent = event.isPresent(at: number, event.name) {
                put(event, isPresent ? stat.map { .some($0) } : .some(nil), folder, event.name)
            }
            if let destination = event.detail.destination, destination.directory == number {
                put(event, stat.map { .some($0) }, folder, destination.name)
            }
        }
        try apply()
    }

    /// Notes the beginning or the end of a scan.
    func take(_ report: ScanReport) throws {
        guard let tree = try tree(report.tree) else { return }
        switch report.phase {
        case .begins: _ = try book.beginScan(of: try book.tree(tree.id) ?? tree, at: report.time)
        case .completed:
            guard var scan = try book.unfinishedScan(of: tree.id) else { return }
            scan.directories = Int64(clamping: report.directoryCount)
            scan.entries = Int64(clamping: report.entryCount)
            scan.problems = Int64(clamping: report.problemCount)
            try book.add(problems(of: report), to: scan)
            try apply()
            try parts.forget(tree: report.tree, before: scan.began)
            try book.finishScan(scan, at: report.time)
        case .abandoned:
            guard let scan = try book.unfinishedScan(of: tree.id) else { return }
            try book.add(problems(of: report), to: scan)
            try book.database.run(
                "UPDATE scan SET state = ?2, ended = ?3, frontier = NULL WHERE id = ?1", scan.id,
                Scan.State.abandoned.rawValue, report.time)
        }
    }

    private func problems(of report: ScanReport) -> [ScanProblem] {
        report.problems.map {
            ScanProblem(path: $0.path, number: Int32(truncatingIfNeeded: $0.number), operation: .open)
        }
    }

    /// Puts what is still pending.
    func finish() throws {
        try parts.keep()
        try apply()
    }
}
