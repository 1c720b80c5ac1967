/// What the words of questions about files have in common.
extension ArgumentReader {
    /// `--limit N`.
    mutating func limit(_ usual: Int, most: Int) throws(UsageError) -> Int {
        let limit = try number("--limit", as: Int.self) ?? usual
        guard (1...most).contains(limit) else { throw UsageError("--limit is 1 to \(most)") }
        return limit
    }

    /// An option that is a time of the past: `2d`, `2026-01-31`, `2026-01-31T09:05:00Z`.
    mutating func past(_ name: String) throws(UsageError) -> EndTime? {
        guard let text = try option(name) else { return nil }
        return try EndTime(text)
    }

    /// `--tree PATH`.
    mutating func tree() throws(UsageError) -> FilePath? {
        guard let text = try option("--tree") else { return nil }
        return try FilePath(text)
    }
}
