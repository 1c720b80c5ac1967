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
