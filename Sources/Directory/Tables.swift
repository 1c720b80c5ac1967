internal import SQLite
internal import Support

/// The directory's rules over its tables, to be used within one transaction or snapshot.
///
/// `DirectoryStore` opens the transaction; import makes many of these steps in one.
struct Tables {
    let database: Database
    /// What new users and groups draw from.
    let range: ClosedRange<UInt32>

    // MARK: Counters

    func counter(_ name: String) throws -> Int64 {
        try database.first("SELECT value FROM counters WHERE name = ?1", [name]) { $0.integer(0) } ?? 0
    }

    func setCounter(_ name: String, _ value: Int64) throws {
        try database.run("UPDATE counters SET value = ?2 WHERE name = ?1", name, value)
    }

    // MARK: Numbers

    /// Gives out `wanted`, or the next number, to a new user or group. For ever.
    func claimNumber(_ wanted: UInt32?, kind: String, name: String) throws -> UInt32 {
        try Rules.checkName(name)
        try checkNameIsNew(name)
        let number: UInt32
        if let wanted {
            try checkNumberIsNew(wanted, kind: kind)
            number = wanted
        } else {
            number = try nextNumber()
        }
        try database.run("INSERT INTO numbers VALUES (?1, ?2, ?3)", number, kind, name)
        return number
    }

    private func checkNameIsNew(_ name: String) throws {
        let row = try database.first(
            """
            SELECT n.kind, n.number, u.state, g.removed FROM numbers n
            LEFT JOIN users u ON u.uid = n.number LEFT JOIN shared_groups g ON g.gid = n.number
            WHERE n.name = ?1
            """, [name]
        ) { (kind: $0.text(0), number: $0.number(1), state: $0.text(2), isRemoved: !$0.isNull(3)) }
        guard let row else { return }
        if row.state == UserState.left.rawValue {
            throw DirectoryError(
                .nameTaken, "'\(name)' was the user with uid \(row.number), who has left",
                hint: "names and uids are never given to somebody else; choose another name")
        }
        if row.isRemoved {
            throw DirectoryError(
                .nameTaken, "'\(name)' was the group with gid \(row.number), which was removed",
                hint: "group names and gids are never given out again; choose another name")
        }
        throw DirectoryError(
            .nameTaken, "there is a \(row.kind) '\(name)' already",
            hint: "users and groups share one set of names, because every user has a group of their own")
    }

    private func checkNumberIsNew(_ number: UInt32, kind: String) throws {
        guard range.contains(number) else {
            throw DirectoryError(
                .outOfRange, "\(number) is not in the range \(range.lowerBound)-\(range.upperBound)",
                hint: "UidRange in gatehouse.conf sets the range")
        }
        let query = "SELECT kind, name FROM numbers WHERE number = ?1"
        guard let owner = try database.first(query, [number], { ($0.text(0), $0.text(1)) }) else { return }
        throw DirectoryError(
            kind == "user" ? .uidTaken : .gidTaken,
            "\(number) belongs, or once belonged, to the \(owner.0) '\(owner.1)'",
            hint: "uids and gids share one set of numbers, and none is given out twice")
    }

    /// The first number above the high-water mark that was not given out by hand.
    private func nextNumber() throws -> UInt32 {
        let mark = try counter("number")
        var candidate = max(mark + 1, Int64(range.lowerBound))
        while candidate <= range.upperBound, try isUsed(candidate) { candidate += 1 }
        guard candidate <= range.upperBound else {
            throw DirectoryError(
                .rangeExhausted,
                "every uid and gid of \(range.lowerBound)-\(range.upperBound) has been given out",
                hint: "raise the upper end of UidRange in gatehouse.conf")
        }
        try setCounter("number", candidate)
        return UInt32(candidate)
    }

    private func isUsed(_ number: Int64) throws -> Bool {
        try database.first("SELECT 1 FROM numbers WHERE number = ?1", [number]) { _ in true } ?? false
    }
}

extension Timestamp {
    /// Without the milliseconds: the directory keeps whole seconds, as its JSON does.
    var wholeSeconds: Timestamp { Timestamp(milliseconds: milliseconds - milliseconds % 1_000) }
}
