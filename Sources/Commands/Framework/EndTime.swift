package import Support

/// When something is to end, or has begun, as people write it: `2026-01-31T09:05:00Z`, `2026-01-31`, `18:00`, `30m`, `2h`,
/// `3d`, `1w`.
package enum EndTime: Equatable, Sendable {
    case at(Timestamp)
    case after(Duration)
    /// The next time that the clock of the gateway's machine shows this.
    case clock(hour: Int32, minute: Int32)

    /// Reads it.
    ///
    /// - Throws: `UsageError` with the forms there are.
    package init(_ text: String) throws(UsageError) {
        if let time = Timestamp(text) {
            self = .at(time)
        } else if let seconds = Self.seconds(text) {
            self = .after(.seconds(seconds))
        } else if let (hour, minute) = Self.clock(text) {
            self = .clock(hour: hour, minute: minute)
        } else {
            throw UsageError(
                "'\(text)' is not a time",
                hint: "write 18:00, 30m, 2h, 3d, a date such as 2026-01-31, or 2026-01-31T09:05:00Z")
        }
    }

    /// The moment it means when said at `now`.
    package func resolved(from now: Timestamp) -> Timestamp {
        switch self {
        case .at(let time): time
        case .after(let duration): now + duration
        case .clock(let hour, let minute):
            Timestamp.local(hour: hour, minute: minute, near: now, isAfter: true)
        }
    }

    /// The moment it means when said of the past at `now`: `2d` is two days ago.
    package func resolved(before now: Timestamp) -> Timestamp {
        switch self {
        case .at(let time): time
        case .after(let duration): now + (.zero - duration)
        case .clock(let hour, let minute):
            Timestamp.local(hour: hour, minute: minute, near: now, isAfter: false)
        }
    }

    /// `18:00`, `8:05`.
    private static func clock(_ text: String) -> (hour: Int32, minute: Int32)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].count), parts[1].count == 2,
            text.utf8.allSatisfy({
                $0 == UInt8(ascii: ":") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }),
            let hour = Int32(parts[0]), let minute = Int32(parts[1]), hour < 24, minute < 60
        else { return nil }
        return (hour, minute)
    }

    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800]
        // Nobody means more than a hundred years.
        guard let unit = text.last.flatMap({ units[$0] }), let count = UInt16(text.dropLast()), count > 0,
            Int64(count) * unit <= 36_525 * 86_400
        else { return nil }
        return Int64(count) * unit
    }
}
