package import FileEvents
internal import SQLite

/// Whose a file is, and how the book knows.
package struct OwnerAnswer: Equatable, Sendable {
    /// Relative to the tree.
    package var path: [UInt8]
    package var stat: FileStat
    package var basis: Basis
    /// When it was known to be so, in microseconds since 1970: the event, or the scan that found it; nil: never scanned wholly.
    package var known: Int64?
    /// The directories on the way, from the tree's root to the one that holds it.
    package var directories: [DirectoryPermissions?]
}

extension Book {
    /// Whose the file at a path is; nil: the book knows of no such file.
    ///
    /// - Parameter path: relative to the tree.
    /// - Throws: `BookError` `.badPath`, `SQLiteError`.
    package func owner(of path: [UInt8], in tree: Tree) throws -> OwnerAnswer? {
        guard let entry = try entry(at: path, in: tree.id) else { return nil }
        let reader = EventReader(database)
        let (directory, name) = path.split
        var event: StoredEvent?
        if !name.isEmpty, let number = try reader.number(ofDirectory: directory, in: tree.path) {
            event = try reader.events(at: name, in: number, limit: 1).first
        }
        let scanned = tree.scanned ?? Int64.min
        let basis: Basis = event.map { $0.time > scanned } ?? false ? .event : .stat
        return OwnerAnswer(
            path: path, stat: entry.stat, basis: basis,
            known: basis == .event ? event?.time : tree.scanned,
            directories: try directories(above: path, in: tree))
    }

    /// The directories that lead to a path, from the tree's root to the one that holds it; nil for what the book does not know.
    package func directories(above path: [UInt8], in tree: Tree) throws -> [DirectoryPermissions?] {
        guard !path.isEmpty else { return [] }
        var row = try root(of: tree.id)
        var permissions = [try row.map(self.permissions)]
        for name in try Self.components(path).dropLast() {
            row = try row.flatMap { try directory(Array(name), in: $0.id) }
            permissions.append(try row.map(self.permissions))
        }
        return permissions
    }

    /// What happened to the file at a path, through its renames, the latest first.
    ///
    /// - Throws: `BookError` `.badPath`, `SQLiteError`.
    package func history(of path: [UInt8], in tree: Tree, limit: Int = 100) throws -> [FileMoment] {
        _ = try Self.components(path)
        return try History(self, tree: tree, events: EventReader(database)).moments(of: path, limit: limit)
    }

    /// Who wrote the file at a path, the latest first, each once with the latest time; what only a scan saw has nobody.
    ///
    /// - Throws: `BookError` `.badPath`, `SQLiteError`.
    package func writers(of path: [UInt8], in tree: Tree, limit: Int = 5) throws -> [FileMoment] {
        _ = try Self.components(path)
        var known: Set<Writer> = []
        var writers: [FileMoment] = []
        let history = History(self, tree: tree, events: EventReader(database))
        _ = try history.moments(of: path, limit: 1_000) { moment in
            guard moment.kind.isWrite, writers.count < limit else { return moment.kind.isWrite }
            if known.insert(Writer(moment)).inserted { writers.append(moment) }
            return true
        }
        return writers
    }

    /// Who is told once.
    private struct Writer: Hashable {
        var host: String?
        var actor: Actor?

        init(_ moment: FileMoment) {
            host = moment.host
            actor = moment.actor
            // Each run of a program is not news.
            actor?.pid = 0
        }
    }

    /// What happened in a span of time, the latest first.
    ///
    /// - Parameters:
    ///   - earliest: microseconds since 1970, as `latest`.
    ///   - person: only what this uid is answerable for; nil: everybody, and what nobody is known to have done.
    ///   - kinds: only these; nil: all.
    ///   - isWanted: what is counted.
    package func changes(
        from earliest: Int64, until latest: Int64 = .max, person: UInt32? = nil, session: String? = nil,
        kinds: Set<FileMoment.Kind>? = nil, limit: Int, where isWanted: (FileMoment) throws -> Bool
    ) throws -> [FileMoment] {
        let reader = EventReader(database)
        var filter = EventFilter(earliest: earliest, latest: latest)
        if person != nil || session != nil {
            filter.actors = try reader.actors(person: person, session: session)
        }
        if let kinds { filter.kinds = FileEvent.Kind.allCases.filter { kinds.mayCome(from: $0) } }
        let asksOwners = kinds == [.ownerChanged]
        let events = try reader.events(filter, limit: limit) { event in
            if asksOwners, !event.detail.mayBeHandedOver { return false }
            let moment = try reader.moment(of: event)
            return try kinds?.contains(moment.kind) ?? true && isWanted(moment)
        }
        var moments = try events.map(reader.moment)
        if filter.actors == nil {
            moments += try unexplained(from: earliest, until: latest, kinds: kinds, limit: limit, isWanted)
        }
        return Array(moments.sorted { $0.time > $1.time }.prefix(limit))
    }

    /// Differences between scans that no event explains.
    private func unexplained(
        from earliest: Int64, until latest: Int64, kinds: Set<FileMoment.Kind>?, limit: Int,
        _ isWanted: (FileMoment) throws -> Bool
    ) throws -> [FileMoment] {
        var trees: [TreeID: Tree] = [:]
        for tree in try self.trees() { trees[tree.id] = tree }
        var moments: [FileMoment] = []
        let statement = try database.prepare(
            """
            SELECT \(Self.changeColumns) FROM change WHERE until BETWEEN ?1 AND ?2 AND event IS NULL
            ORDER BY until DESC, id DESC
            """)
        try statement.bind([earliest, latest])
        defer { statement.reset() }
        while moments.count < limit, try statement.step() {
            let change = Self.recorded(statement)
            guard let tree = trees[change.tree] else { continue }
            let moment = try moment(of: change, in: tree)
            if kinds?.contains(moment.kind) ?? true, try isWanted(moment) { moments.append(moment) }
        }
        return moments
    }
}

extension Set<FileMoment.Kind> {
    /// Whether an event of a kind may turn out to be one of these.
    fileprivate func mayCome(from kind: FileEvent.Kind) -> Bool {
        switch kind {
        case .ownerChanged, .modeChanged:
            contains(.ownerChanged) || contains(.modeChanged) || contains(.touched)
        default: contains(FileMoment.Kind(kind))
        }
    }
}
