package import Support

/// When something is to end, or has begun, as people write it: `2026-01-31T09:05:00Z`, `2026-01-31`, `30m`, `2h`, `3d`, `1w`.
package enum EndTime: Equatable, Sendable {
    case at(Timestamp)
    case after(Duration)

    /// Reads it.
    ///
    /// - Throws: `UsageError` with the forms there are.
    package init(_ text: String) throws(UsageError) {
        if let time = Timestamp(text) {
            self = .at(time)
        } else if let seconds = Self.seconds(text) {
            self = .after(.seconds(seconds))
        } else {
            throw UsageError(
                "'\(text)' is not a time",
                hint: "write 30m, 2h, 3d, a date such as 2026-01-31, or 2026-01-31T09:05:00Z")
        }
    }

    /// The moment it means when said at `now`.
    package func resolved(from now: Timestamp) -> Timestamp {
        switch self {
        case .at(let time): time
        case .after(let duration): now + duration
        }
    }

    /// The moment it means when said of the past at `now`: `2d` is two days ago.
    package func resolved(before now: Timestamp) -> Timestamp {
        switch self {
        case .at(let time): time
        case .after(let duration): now + (.zero - duration)
        }
    }

    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400, "w": 604_800]
        // Nobody means more than a hundred years.
        guard let unit = text.last.flatMap({ units[$0] }), let count = UInt16(text.dropLast()), count > 0,
            Int64(count) * unit <= 36_525 * 86_400
        else { return nil }
        return Int64(count) * unit
    }
}
