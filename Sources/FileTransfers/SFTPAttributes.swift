import Support

/// What somebody wants a file to have (draft-ietf-secsh-filexfer-02 section 5); what was not named is nil.
struct SFTPAttributes {
    private var size: UInt64?
    private var owner: (user: UInt32, group: UInt32)?
    private var mode: UInt32?
    private var modified: UInt32?

    init() {}

    /// - Throws: `WireError` when they end too early.
    init(from input: inout WireReader) throws(WireError) {
        let flags = try input.uint32()
        if flags & 1 != 0 { size = try input.uint64() }
        if flags & 2 != 0 { owner = (try input.uint32(), try input.uint32()) }
        if flags & 4 != 0 { mode = try input.uint32() }
        if flags & 8 != 0 {
            _ = try input.uint32()
            modified = try input.uint32()
        }
    }

    /// These and the later ones; nil: they say different things of one.
    func joined(with later: SFTPAttributes) -> SFTPAttributes? {
        func agree<Value: Equatable>(_ one: Value?, _ other: Value?) -> Bool {
            one == nil || other == nil || one == other
        }
        guard agree(size, later.size), agree(owner?.user, later.owner?.user),
            agree(owner?.group, later.owner?.group), agree(mode, later.mode), agree(modified, later.modified)
        else { return nil }
        var all = self
        all.size = later.size ?? size
        all.owner = later.owner ?? owner
        all.mode = later.mode ?? mode
        all.modified = later.modified ?? modified
        return all
    }

    /// Like `size=0 owner=1000:100 mode=0644 modified=2026-01-02T03:04:05Z`.
    var text: String {
        var words: [String] = []
        if let size { words.append("size=\(size)") }
        if let owner { words.append("owner=\(owner.user):\(owner.group)") }
        if let mode { words.append("mode=0" + String(mode & 0o7777, radix: 8)) }
        if let modified { words.append("modified=\(Timestamp(milliseconds: Int64(modified) * 1_000))") }
        return words.joined(separator: " ")
    }
}
