import Support

/// A moment of a session as people name it: counted from its beginning, or of the clock.
enum SessionMoment: Equatable, Sendable {
    /// Milliseconds from the session's beginning.
    case offset(Int64)
    case time(Timestamp)

    /// Reads `42`, `90s`, `5m`, `12:30`, `1:02:03` or RFC 3339.
    init(parsing text: String) throws(UsageError) {
        if let time = Timestamp(text) {
            self = .time(time)
            return
        }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600]
        if let last = text.last, let unit = units[last], let count = Self.number(text.dropLast()) {
            self = .offset(count * unit * 1_000)
            return
        }
        let fields = text.split(separator: ":", omittingEmptySubsequences: false).map(Self.number)
        guard (1...3).contains(fields.count), fields.allSatisfy({ $0 != nil }),
            fields.dropFirst().allSatisfy({ $0 ?? 60 < 60 })
        else {
            throw UsageError(
                "'\(text.printable)' is no moment of a session",
                hint:
                    "write 12:30 from its beginning, as 'file who' does, or a time such as 2026-01-31T09:05:00Z"
            )
        }
        self = .offset(fields.reduce(0) { $0 * 60 + ($1 ?? 0) } * 1_000)
    }

    private static func number(_ text: some StringProtocol) -> Int64? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    /// Milliseconds since the epoch.
    ///
    /// - Parameter start: the session's beginning.
    func milliseconds(from start: Timestamp) -> Int64 {
        switch self {
        case .offset(let offset): start.milliseconds + offset
        case .time(let time): time.milliseconds
        }
    }
}
