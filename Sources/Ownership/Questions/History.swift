import FileEvents
internal import SQLite

/// Follows a file back through time: its events, what scans found in between, and the names that it had.
struct History {
    let book: Book
    let events: EventReader
    let tree: Tree

    init(_ book: Book, tree: Tree, events: EventReader) {
        self.book = book
        self.tree = tree
        self.events = events
    }

    /// A walk ends after so many renames.
    private static let renameLimit = 1_000

    /// What the walk has come back to: only what was before counts.
    private struct Bound {
        var event: StoredEvent?
        var time = Int64.max

        init() {}

        init(_ event: StoredEvent) {
            self.event = event
            time = event.time
        }

        init(time: Int64) {
            self.time = time
        }
    }

    /// Something on the way back, an event or a difference between scans.
    private enum Step {
        case event(StoredEvent)
        case change(RecordedChange)
        /// A directory on the path got its name; `rest` is what stood behind that name.
        case parentRenamed(StoredEvent, rest: [UInt8])

        var time: Int64 {
            switch self {
            case .event(let event), .parentRenamed(let event, _): event.time
            case .change(let change): change.until
            }
        }
    }

    /// What happened to the file that is, or was last, at a path, the latest first. It ends with the file's birth, as far as it is known.
    ///
    /// - Parameters:
    ///   - path: relative to the tree.
    ///   - limit: no more moments than this.
    ///   - isWanted: moments that are counted; others are left out.
    /// - Throws: `BookError`, `SQLiteError`.
    func moments(
        of path: [UInt8], limit: Int, where isWanted: (FileMoment) -> Bool = { _ in true }
    ) throws -> [FileMoment] {
        var moments: [FileMoment] = []
        var path = path
        var bound = Bound()
        var renames = 0
        var isFirst = true
        walk: while moments.count < limit, renames < Self.renameLimit {
            renames += 1
            let directory = try events.number(ofDirectory: path.split.directory, in: tree.path) ?? 0
            for step in try steps(at: path, before: bound, limit: limit - moments.count + 1) {
                let moment = try moment(step, at: path)
                defer { isFirst = false }
                switch step {
                case .parentRenamed(let event, let rest):
                    if isWanted(moment) { moments.append(moment) }
                    let place = try events.place(ofDirectory: event.directory)
                    path = place.path.appending(name: event.name).appending(name: rest)
                    bound = Bound(event)
                    continue walk
                case .event(let event):
                    let isPresent = event.isPresent(at: directory, path.split.name) ?? true
                    // What was at this name earlier was another file.
                    if !isPresent, !isFirst { break walk }
                    if isWanted(moment) { moments.append(moment) }
                    if event.kind == .renamed || event.kind == .directoryRenamed, isPresent {
                        path = try events.place(ofDirectory: event.directory).path.appending(name: event.name)
                        bound = Bound(event)
                        continue walk
                    }
                    if event.kind == .created || event.kind == .directoryCreated { break walk }
                case .change(let change):
                    let isHere = moment.newPath == nil || moment.newPath == path
                    if change.change.kind == .deleted || !isHere, !isFirst { break walk }
                    if isWanted(moment) { moments.append(moment) }
                    if change.change.kind == .created { break walk }
                    if change.change.kind == .renamed, isHere {
                        path = moment.path
                        bound = Bound(time: change.until)
                        continue walk
                    }
                }
                if moments.count >= limit { break walk }
            }
            break
        }
        return moments
    }

    /// Everything at one path, latest first, up to the renaming of a directory on it.
    private func steps(at path: [UInt8], before bound: Bound, limit: Int) throws -> [Step] {
        let (directory, name) = path.split
        var steps: [Step] = []
        var renaming: (event: StoredEvent, rest: [UInt8])?
        let names = directory.split(separator: UInt8(ascii: "/"))
        let numbers = try events.numbers(ofWay: names, in: tree.path)
        if numbers.count > names.count, let number = numbers.last {
            steps = try events.events(at: name, in: number, before: bound.event, limit: limit)
                .filter { bound.event != nil || $0.time < bound.time }.map { .event($0) }
        }
        // A renamed directory takes along everything that it holds.
        for (depth, number) in zip(names.indices, numbers).reversed() {
            if let event = try latestRenaming(to: Array(names[depth]), in: number, before: bound.event),
                event.time <= bound.time,
                renaming.map({ event.isLater(than: $0.event) }) ?? true
            {
                let below = names[(depth + 1)...] + [name[...]]
                renaming = (event, Array(below.joined(separator: [UInt8(ascii: "/")])))
            }
        }
        if let parent = try book.directory(at: directory, in: tree.id) {
            steps += try book.changes(of: name, in: parent.id)
                .filter { $0.event == nil && $0.until < bound.time }.map { .change($0) }
        }
        steps.sort { $0.time > $1.time }
        if let renaming {
            steps.removeAll { $0.time < renaming.event.time }
            steps.append(.parentRenamed(renaming.event, rest: renaming.rest))
        }
        return steps
    }

    /// The latest event that gave a directory this name.
    private func latestRenaming(
        to name: [UInt8], in directory: Int64, before bound: StoredEvent?
    ) throws -> StoredEvent? {
        let candidates = try events.events(at: name, in: directory, before: bound, limit: 64)
        // Before the directory was made, the name was another one's.
        for event in candidates {
            if event.kind == .directoryRenamed, event.isPresent(at: directory, name) == true { return event }
            if event.kind == .directoryCreated { return nil }
        }
        return nil
    }

    private func moment(_ step: Step, at path: [UInt8]) throws -> FileMoment {
        switch step {
        case .event(let event): return try events.moment(of: event)
        case .parentRenamed(let event, _):
            var moment = try events.moment(of: event)
            moment.kind = .directoryRenamed
            return moment
        case .change(let change): return try book.moment(of: change, in: tree)
        }
    }
}

extension EventReader {
    /// What people may know of an event.
    func moment(of event: StoredEvent) throws -> FileMoment {
        let place = try place(ofDirectory: event.directory)
        var newPath: [UInt8]?
        if let destination = event.detail.destination {
            newPath = try self.place(ofDirectory: destination.directory).path.appending(
                name: destination.name)
        }
        let stat = try stat(after: event)
        var moment = FileMoment(
            kind: FileMoment.Kind(event.kind), basis: .event, time: event.time, tree: place.tree,
            path: place.path.appending(name: event.name), newPath: newPath,
            after: stat.map(FileMoment.Attributes.init), size: stat?.size,
            actor: try actor(event.actor, pid: event.detail.pid), host: event.host, count: event.detail.count)
        if event.kind == .ownerChanged || event.kind == .modeChanged {
            moment.before = try attributes(before: event)
            moment.kind = moment.attributeKind ?? moment.kind
        }
        return moment
    }

    /// Owner, group and mode of a file before an event, where the book can tell.
    func attributes(before event: StoredEvent) throws -> FileMoment.Attributes? {
        for earlier in try events(at: event.name, in: event.directory, before: event, limit: 16) {
            guard earlier.isPresent(at: event.directory, event.name) == true else { return nil }
            if let stat = try stat(after: earlier) { return FileMoment.Attributes(stat) }
        }
        let known = try database.first(
            "SELECT attributes FROM event_baselines WHERE directory = ?1 AND name = ?2",
            [event.directory, event.name]
        ) { $0.integer(0) }
        return try known.map { FileMoment.Attributes(try attributes($0)) }
    }
}

extension FileMoment {
    /// What of the attributes changed, which hosts do not tell apart; nil: the book does not know how it was before.
    fileprivate var attributeKind: Kind? {
        guard let before, let after else { return nil }
        if before.uid != after.uid || before.gid != after.gid { return .ownerChanged }
        return before.mode != after.mode ? .modeChanged : .touched
    }
}

extension FileMoment.Attributes {
    init(_ stat: FileStat) {
        self.init(uid: stat.uid, gid: stat.gid, mode: stat.mode)
    }
}
