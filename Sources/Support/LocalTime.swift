import Glibc

extension Timestamp {
    /// The moment nearest to `now` at which the clock of this machine, in its own time zone, shows an hour and a minute.
    ///
    /// - Parameter isAfter: the next such moment; else the last one.
    package static func local(hour: Int32, minute: Int32, near now: Timestamp, isAfter: Bool) -> Timestamp {
        var seconds = time_t(now.seconds)
        var fields = unsafe tm()
        unsafe localtime_r(&seconds, &fields)
        let today = unsafe fields.tm_mday
        // The day before, the same and the next; mktime(3) takes days beyond a month's end.
        let moments = (-1...1).map { day in
            unsafe fields.tm_mday = today + Int32(day)
            unsafe fields.tm_hour = hour
            unsafe fields.tm_min = minute
            unsafe fields.tm_sec = 0
            unsafe fields.tm_isdst = -1
            var copy = unsafe fields
            return Timestamp(milliseconds: unsafe Int64(mktime(&copy)) * 1_000)
        }
        return (isAfter ? moments.first { $0 > now } : moments.last { $0 <= now }) ?? now
    }
}

/// A moment as a clock on a wall shows it.
package struct WallClock: Equatable, Sendable {
    /// 0 is Monday.
    package let weekday: Int
    /// Since midnight, 0 to 1439.
    package let minute: Int
}

extension Timestamp {
    /// What clocks show at this moment.
    ///
    /// - Parameter offset: how far they are ahead of UTC; nil: as the time zone of this machine says.
    package func wallClock(offset: Duration?) -> WallClock {
        if let offset {
            let minutes = (self + offset).milliseconds.flooring(by: 60_000)
            // 1970-01-01 was a Thursday.
            let day = minutes.flooring(by: 1_440)
            return WallClock(
                weekday: Int((day + 3) - (day + 3).flooring(by: 7) * 7), minute: Int(minutes - day * 1_440))
        }
        var seconds = time_t(self.seconds)
        var fields = unsafe tm()
        unsafe localtime_r(&seconds, &fields)
        // In C 0 is Sunday.
        return unsafe WallClock(
            weekday: Int(fields.tm_wday + 6) % 7, minute: Int(fields.tm_hour * 60 + fields.tm_min))
    }
}

extension Int64 {
    fileprivate func flooring(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
