/// A size as people write it: `4096`, `10K`, `500M`, `1G`, `2T`; a unit is 1024 times the one before.
enum ByteCount {
    /// Reads it.
    ///
    /// - Throws: `UsageError` with the forms there are.
    static func read(_ text: String) throws(UsageError) -> UInt64 {
        let units: [Character: UInt64] = ["K": 10, "M": 20, "G": 30, "T": 40, "P": 50]
        let shift = text.last.flatMap { units[Character($0.uppercased())] }
        let digits = shift == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = UInt64(digits), count <= UInt64(Int64.max) >> (shift ?? 0)
        else { throw UsageError("'\(text)' is not a size", hint: "write 4096, 10K, 500M, 1G or 2T") }
        return count << (shift ?? 0)
    }
}
