package import Support

/// Hours of the week, such as `mon-fri 08:00-18:00`.
///
/// Hours that go beyond midnight belong to the day on which they begin.
package struct WeeklyHours: Hashable, Sendable {
    private static let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let dayLength = 1_440

    /// One bit for each day, Monday's the lowest.
    let days: UInt8
    /// Minutes since midnight.
    let opens: Int
    /// The same; not after `opens`: on the next day.
    let closes: Int
    /// As it was written; nil: the time zone of the gateway's machine.
    let zone: String?
    private let offset: Duration?

    /// Reads what people write.
    ///
    /// - Parameters:
    ///   - days: `mon-fri`, `sat,sun`; nil: each day.
    ///   - hours: `08:00-18:00`; nil: the whole day.
    ///   - zone: `UTC`, `+02:00`; nil: the time zone of the gateway's machine.
    /// - Throws: `DirectoryError` `.invalidField`.
    package init(days: String?, hours: String?, zone: String?) throws(DirectoryError) {
        guard let bits = days.map(Self.bits) ?? 0x7F else {
            throw DirectoryError(
                .invalidField, "\(Rules.quoted(days ?? "")) are no days of the week",
                hint: "write mon-fri, or sat,sun")
        }
        guard let (opens, closes) = hours.map(Self.times) ?? (0, Self.dayLength) else {
            throw DirectoryError(
                .invalidField, "\(Rules.quoted(hours ?? "")) are no hours of the day",
                hint: "write 08:00-18:00, or 22:00-06:00 for what ends on the next day")
        }
        try self.init(bits: bits, opens: opens, closes: closes, zone: zone)
    }

    init(bits: UInt8, opens: Int, closes: Int, zone: String?) throws(DirectoryError) {
        guard (1...0x7F).contains(bits), (0..<Self.dayLength).contains(opens),
            (1...Self.dayLength).contains(closes), opens != closes
        else { throw DirectoryError(.invalidField, "there are no such hours") }
        let minutes = zone.map(Self.offset)
        if let zone, minutes == .some(nil) {
            throw DirectoryError(
                .invalidField, "\(Rules.quoted(zone)) is no time zone",
                hint: "write UTC or +02:00; without one it is the time zone of the gateway's machine")
        }
        self.days = bits
        self.opens = opens
        self.closes = closes
        self.zone = zone
        offset = minutes.flatMap(\.self).map { .seconds(Int64($0) * 60) }
    }

    /// Whether it is one of these hours.
    package func contains(_ time: Timestamp) -> Bool {
        let clock = time.wallClock(offset: offset)
        if opens < closes { return has(clock.weekday) && (opens..<closes).contains(clock.minute) }
        return has(clock.weekday) && clock.minute >= opens
            || has((clock.weekday + 6) % 7) && clock.minute < closes
    }

    /// When they are over that hold at `time`; nil: never. On a day on which clocks are changed it may be an hour from the truth.
    package func end(after time: Timestamp) -> Timestamp? {
        var moment = time
        // Days may follow on each other without a gap, and a week of them never ends.
        for _ in 0...7 where contains(moment) {
            let minute = moment.wallClock(offset: offset).minute
            let left = (minute < closes ? 0 : Self.dayLength) + closes - minute
            let start = moment.milliseconds - moment.milliseconds % 60_000
            moment = Timestamp(milliseconds: start) + .seconds(Int64(left) * 60)
        }
        return contains(moment) ? nil : moment
    }

    private func has(_ weekday: Int) -> Bool { days & (1 << weekday) != 0 }
}

// MARK: As text

extension WeeklyHours {
    /// `mon,tue,wed`.
    package var dayText: String {
        let listed = (0..<7).filter(has)
        // Three or more in a row are a range.
        guard let first = listed.first, let last = listed.last, listed.count > 2,
            last - first + 1 == listed.count
        else { return listed.map { Self.names[$0] }.joined(separator: ",") }
        return "\(Self.names[first])-\(Self.names[last])"
    }

    /// `08:00-18:00`.
    package var hourText: String { "\(Self.text(opens))-\(Self.text(closes))" }

    /// `UTC` or `+02:00`; nil: the time zone of the gateway's machine.
    package var zoneText: String? { zone }

    /// All of it, in one line.
    package var text: String {
        [days == 0x7F ? nil : dayText, hourText, zone].compactMap(\.self).joined(separator: " ")
    }

    private static func text(_ minute: Int) -> String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
        return "\(padded(minute / 60)):\(padded(minute % 60))"
    }

    private static func bits(_ text: String) -> UInt8? {
        var bits: UInt8 = 0
        guard text.utf8.count <= 64 else { return nil }
        for part in text.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .map { name in names.firstIndex { $0 == name } }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else {
                return nil
            }
            // `sat-mon` goes beyond the end of the week.
            var day = first
            bits |= 1 << day
            while day != last {
                day = (day + 1) % 7
                bits |= 1 << day
            }
        }
        return bits
    }

    private static func times(_ text: String) -> (Int, Int)? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(minute)
        guard ends.count == 2, let opens = ends[0], let closes = ends[1], opens != closes,
            opens < dayLength
        else { return nil }
        return (opens, closes == 0 ? dayLength : closes)
    }

    /// `+02:00`, in minutes.
    private static func offset(_ zone: String) -> Int? {
        if zone == "UTC" { return 0 }
        guard let sign = zone.first, sign == "+" || sign == "-", let minutes = minute(zone.dropFirst()),
            minutes <= 14 * 60
        else { return nil }
        return sign == "-" ? -minutes : minutes
    }

    /// `08:00`; `24:00` too.
    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            text.utf8.allSatisfy({
                $0 == UInt8(ascii: ":") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }),
            let hour = Int(parts[0]), let minute = Int(parts[1]),
            hour < 24 && minute < 60 || hour == 24 && minute == 0
        else { return nil }
        return hour * 60 + minute
    }
}
