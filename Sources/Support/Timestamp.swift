import Glibc

/// A point in civil time: milliseconds since 1970-01-01 UTC.
package struct Timestamp: Comparable, Hashable, Sendable {
    /// Milliseconds since the epoch.
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The present moment of the system clock.
    package static var now: Timestamp {
        var value = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &value)
        return Timestamp(milliseconds: Int64(value.tv_sec) * 1_000 + Int64(value.tv_nsec) / 1_000_000)
    }

    /// Whole seconds since the epoch.
    package var seconds: Int64 { milliseconds / 1_000 }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    package static func + (time: Self, duration: Duration) -> Self {
        Self(milliseconds: time.milliseconds + duration.milliseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with whole seconds: `2026-01-31T09:05:00Z`; what is before 1970 shows as its beginning.
    package var description: String {
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let seconds = max(0, self.seconds)
        let date = CivilDate(daysSinceEpoch: seconds / 86_400)
        let second = seconds % 86_400
        let day = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        let clock = "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        return "\(day)T\(clock)Z"
    }

    /// Reads RFC 3339 in UTC (`2026-01-31T09:05:00Z`) or a plain date (`2026-01-31`); nil for anything else.
    package init?(_ text: String) {
        let fields = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        guard let date = Self.numbers(fields[0], separator: "-", widths: [4, 2, 2]) else { return nil }
        let (year, month, day) = (date[0], date[1], date[2])
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else {
            return nil
        }
        let civil = CivilDate(year: year, month: month, day: day)
        // The 31st of a short month comes back as another day.
        guard CivilDate(daysSinceEpoch: civil.daysSinceEpoch) == civil else { return nil }

        var seconds = civil.daysSinceEpoch * 86_400
        if fields.count == 2 {
            guard fields[1].last == "Z",
                let clock = Self.numbers(fields[1].dropLast(), separator: ":", widths: [2, 2, 2])
            else { return nil }
            let (hour, minute, second) = (clock[0], clock[1], clock[2])
            guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else {
                return nil
            }
            seconds += hour * 3_600 + minute * 60 + second
        }
        self.init(milliseconds: seconds * 1_000)
    }

    /// The numbers of `text`, each of as many decimal digits as `widths` says; nil for any other text.
    private static func numbers(_ text: Substring, separator: Character, widths: [Int]) -> [Int64]? {
        let fields = text.split(separator: separator, omittingEmptySubsequences: false)
        guard fields.map(\.utf8.count) == widths,
            fields.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        return fields.compactMap { Int64($0) }
    }
}

/// A day of the proleptic Gregorian calendar, from 1970 on.
///
/// The arithmetic counts from 1 March of year 0, so that the leap day is the last of its year.
private struct CivilDate: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Days from 0000-03-01 to 1970-01-01.
    private static let epoch: Int64 = 719_468
    private static let daysPerEra: Int64 = 146_097

    init(daysSinceEpoch: Int64) {
        let days = daysSinceEpoch + Self.epoch
        let era = days / Self.daysPerEra
        let dayOfEra = days % Self.daysPerEra
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSinceEpoch: Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * Self.daysPerEra + dayOfEra - Self.epoch
    }
}
