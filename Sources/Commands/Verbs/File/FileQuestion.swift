import Directory
import Ownership
import Support

/// What questions about files have in common: who asks, what they may see, and what uids and gids are called.
struct FileQuestion: Sendable {
    let viewer: Viewer
    let now: Timestamp
    let names: PeopleNames
    /// The roots of the trees that the viewer may ask about; nil: all.
    private let reachable: Set<[UInt8]>?
    private let context: CommandContext

    init(_ context: CommandContext) throws {
        self.context = context
        now = context.services.now()
        names = try PeopleNames(context.directory)
        guard let name = context.caller.userName, !context.caller.isAuditor else {
            viewer = .everything
            reachable = nil
            return
        }
        let user = try context.directory.user(name)
        let groups = try context.directory.groups(of: name).map(\.gid)
        viewer = .person(uid: user.uid, groups: Set(groups + [user.gid]))
        let hosts = Set(
            try context.directory.reachableHosts(of: name, from: context.caller.origin).map(\.host.name))
        let trees = try context.directory.trees().filter { !hosts.isDisjoint(with: $0.hosts) }
        reachable = Set(trees.map { Array($0.path.utf8) })
    }

    /// Whether the viewer may see all of it.
    var seesEverything: Bool { viewer == .everything }

    /// Answers from one state of the book.
    func ask<Result: Sendable>(_ body: @Sendable (Book) throws -> Result) throws -> Result {
        try context.services.book.ask(body)
    }

    /// The trees of the book that the viewer may ask about.
    ///
    /// - Parameter root: only the one with this root; nil: all.
    /// - Throws: `CommandError` `.notFound`.
    func trees(_ root: FilePath? = nil) throws -> [Ownership.Tree] {
        let trees = try ask { try $0.trees() }.filter { tree in
            (reachable?.contains(tree.path) ?? true) && (root.map { $0.bytes == tree.path } ?? true)
        }
        if trees.isEmpty, let root { throw noTree(root) }
        return trees
    }

    /// The tree that holds a path, and the path in it.
    ///
    /// - Throws: `CommandError` `.notFound`.
    func place(_ path: FilePath) throws -> (tree: Ownership.Tree, path: [UInt8]) {
        // Of trees in each other the inner one.
        let trees = try trees().sorted { $0.path.count > $1.path.count }
        for tree in trees {
            if let relative = path.relative(to: tree.path) { return (tree, relative) }
        }
        throw noTree(path)
    }

    private func noTree(_ path: FilePath) -> CommandError {
        CommandError(
            .notFound, "\(path.shown) is in no shared tree that you may ask about",
            hint: seesEverything
                ? "'gatehouse tree list' shows the trees; the book knows one after its first scan"
                : "'hosts' shows where you may go; only trees of those hosts can be asked about")
    }

    /// One answer for what is not there and for what the viewer may not know.
    func noFile(_ path: FilePath) -> CommandError {
        CommandError(
            .notFound,
            "\(path.shown): the book knows no such file" + (seesEverything ? "" : " that you may see"),
            hint: "'file history' also knows files that are gone")
    }

    /// Whether the viewer may know what happened at a path of a tree.
    func mayKnow(_ path: [UInt8], in tree: Ownership.Tree, _ book: Book) throws -> Bool {
        if seesEverything { return true }
        return Visibility.mayKnow(of: try book.directories(above: path, in: tree), viewer)
    }

    /// Whether the viewer may know of something that happened: of all places that it names.
    func mayKnow(_ moment: FileMoment, _ book: Book, _ trees: [Ownership.Tree]) throws -> Bool {
        guard let tree = trees.first(where: { $0.path == moment.tree }) else { return false }
        return try mayKnow(moment.path, in: tree, book)
            && (try moment.newPath.map { try mayKnow($0, in: tree, book) } ?? true)
    }

    /// The uid of a user's name, or a uid in digits.
    ///
    /// - Throws: `DirectoryError` `.notFound`.
    func uid(_ text: String) throws -> UInt32 {
        try UInt32(text) ?? context.directory.user(text).uid
    }

    /// The gaps that an answer about a tree since a moment has to tell of.
    ///
    /// - Parameter time: microseconds since 1970; nil: ever.
    func gaps(in tree: [UInt8]?, since time: Int64?) throws -> [KnownGap] {
        try ask { book in
            try book.gaps(from: time ?? .min).filter { $0.tree == nil || tree == nil || $0.tree == tree }
        }
    }

    /// Says on standard error what an answer may lack.
    func remark(_ gaps: [KnownGap]) throws {
        guard let newest = gaps.first else { return }
        let since = Timestamp(microseconds: newest.since)
        let until = Timestamp(microseconds: newest.until)
        let more = gaps.count > 1 ? " and \(gaps.count - 1) more times" : ""
        try context.terminal.errLine(
            "note: nobody watched on \(newest.host.printable) from \(since) to \(until) "
                + "(\(newest.reason.text))\(more): what was done then may be missing here")
    }
}

extension Timestamp {
    /// A time of the book: microseconds since 1970.
    init(microseconds: Int64) {
        self.init(milliseconds: microseconds / 1_000)
    }

    /// As the book keeps times.
    var microseconds: Int64 {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000)
        return overflow ? .max : product
    }
}
