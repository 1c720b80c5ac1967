import Directory
import Support

/// Which hosts a command is about, and how it answers: `HOST|POOL|--all [--json]`.
struct HostChoice: Sendable {
    /// Hosts worked at at a time.
    private static let threadLimit = 8

    let isJSON: Bool
    private let name: String?

    /// Takes all words.
    ///
    /// - Parameter needsWord: one of the three must be there; otherwise nothing means all hosts.
    init(parsing words: inout ArgumentReader, needsWord: Bool) throws(UsageError) {
        isJSON = words.flag("--json")
        let isAll = words.flag("--all")
        name = try words.optionalPositional()
        try words.finish()
        if isAll, name != nil { throw UsageError("--all leaves no room for a host or pool") }
        if needsWord, !isAll, name == nil {
            throw UsageError("HOST is missing", hint: "name a host or a pool, or give --all")
        }
    }

    /// Whether one host was named, and nothing that may be several.
    func isOneHost(in directory: DirectoryStore) throws -> Bool {
        try name.map { try directory.findHost($0) != nil } ?? false
    }

    /// The hosts' names, sorted.
    ///
    /// - Throws: `CommandError` when there is no such host or pool.
    func hosts(in directory: DirectoryStore) throws -> [String] {
        guard let name else { return try directory.hosts().map(\.name) }
        if try directory.findHost(name) != nil { return [name] }
        if let pool = try directory.pools().first(where: { $0.name == name }) { return pool.hosts }
        throw CommandError(
            .notFound, "there is no host or pool '\(name.printable)'",
            hint: "see 'gatehouse host list' and 'gatehouse pool list'")
    }

    /// The same without hosts whose instance is down, unless one was named; a remark says which are left out.
    ///
    /// - Throws: as `hosts`.
    func hostsToWorkOn(in context: CommandContext) throws -> [String] {
        let names = try hosts(in: context.directory)
        if try isOneHost(in: context.directory) { return names }
        let down = Set(
            try context.directory.hosts().filter { $0.instance?.state.isDown == true }.map(\.name))
        let skipped = names.filter(down.contains)
        if !skipped.isEmpty {
            try context.terminal.errLine(
                "left out, since they are stopped or gone: \(skipped.joined(separator: ", "))")
        }
        return names.filter { !down.contains($0) }
    }

    /// Does the same at several hosts at a time: what came of each, in the order of the names.
    static func atEach<Outcome: Sendable>(
        of hosts: [String], _ body: @escaping @Sendable (String) throws -> Outcome
    ) -> [(host: String, outcome: Result<Outcome, any Error>)] {
        let outcomes = Parallel.map(hosts, limit: threadLimit) { host in Result { try body(host) } }
        return Array(zip(hosts, outcomes)).map { (host: $0, outcome: $1) }
    }
}
