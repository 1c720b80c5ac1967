import Support

/// Sizes, counts and times as people read them at a glance; `--json` has the exact ones.
enum Quantities {
    /// `512 B`, `1.5 KiB`, `23 GiB`.
    static func size(_ byteCount: Int64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        let count = max(0, byteCount)
        guard count >= 1_024 else { return "\(count) B" }
        var unit = 0
        var divisor: Int64 = 1_024
        while unit < units.count - 1, count / divisor >= 1_024 {
            divisor *= 1_024
            unit += 1
        }
        let whole = count / divisor
        if whole >= 10 { return "\(whole) \(units[unit])" }
        return "\(whole).\(count % divisor * 10 / divisor) \(units[unit])"
    }

    /// Digits in groups of three: `1,234,567`.
    static func count(_ number: Int64) -> String {
        var digits = Array(String(number.magnitude))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }

    /// How long ago, in the largest unit that fits: `just now`, `5 minutes ago`, `3 days ago`; what is to come: `in 2 hours`.
    static func ago(_ time: Timestamp, at now: Timestamp) -> String {
        let seconds = (now.milliseconds - time.milliseconds) / 1_000
        if seconds.magnitude < 5 { return "just now" }
        let span = length(Int64(clamping: seconds.magnitude))
        return seconds > 0 ? "\(span) ago" : "in \(span)"
    }

    /// `1 minute`, `2 hours`: seconds in the largest unit that fits.
    static func length(_ seconds: Int64) -> String {
        let units: [(String, Int64)] = [
            ("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3_600), ("minute", 60),
        ]
        let (name, unit) = units.first { seconds >= $0.1 } ?? ("second", 1)
        let count = seconds / unit
        return "\(count) \(name)\(count == 1 ? "" : "s")"
    }

    /// A place in a recording: `0:07`, `12:34`, `1:02:03`.
    static func clock(_ seconds: Int64) -> String {
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
        let count = max(0, seconds)
        let (hours, minutes) = (count / 3_600, count / 60 % 60)
        return hours > 0
            ? "\(hours):\(two(minutes)):\(two(count % 60))" : "\(minutes):\(two(count % 60))"
    }
}
