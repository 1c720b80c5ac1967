import Directory
import Support
import Testing

@Suite("Hours of the week")
struct WeeklyHoursTests {
    private func moment(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

    // 2026-01-26 is a Monday.
    @Test(
        "hold from their beginning to their end, on their days",
        arguments: [
            ("mon-fri", "08:00-18:00", "2026-01-26T08:00:00Z", true),
            ("mon-fri", "08:00-18:00", "2026-01-26T07:59:59Z", false),
            ("mon-fri", "08:00-18:00", "2026-01-30T17:59:59Z", true),
            ("mon-fri", "08:00-18:00", "2026-01-30T18:00:00Z", false),
            ("mon-fri", "08:00-18:00", "2026-01-31T12:00:00Z", false),
            ("sat,sun", nil, "2026-01-31T00:00:00Z", true), ("sat,sun", nil, "2026-02-02T00:00:00Z", false),
            // Beyond the end of the week.
            ("sat-mon", nil, "2026-01-26T12:00:00Z", true), ("sat-mon", nil, "2026-01-27T12:00:00Z", false),
            // Beyond midnight: Saturday's early morning is still Friday's.
            ("fri", "22:00-06:00", "2026-01-30T22:00:00Z", true),
            ("fri", "22:00-06:00", "2026-01-31T05:59:59Z", true),
            ("fri", "22:00-06:00", "2026-01-31T06:00:00Z", false),
            ("fri", "22:00-06:00", "2026-01-30T05:00:00Z", false),
            ("sun", "22:00-06:00", "2026-01-26T05:00:00Z", true),
            (nil, "09:00-10:00", "2026-02-01T09:00:00Z", true),
        ] as [(String?, String?, String, Bool)])
    func contains(days: String?, hours: String?, time: String, expected: Bool) throws {
        let hours = try WeeklyHours(days: days, hours: hours, zone: "UTC")
        #expect(hours.contains(try moment(time)) == expected)
    }

    @Test("are those of their time zone")
    func zones() throws {
        let hours = try WeeklyHours(days: "mon", hours: "08:00-18:00", zone: "+02:00")
        #expect(hours.contains(try moment("2026-01-26T06:00:00Z")))
        #expect(!hours.contains(try moment("2026-01-26T16:00:00Z")))
        let west = try WeeklyHours(days: "mon", hours: "20:00-24:00", zone: "-05:30")
        #expect(west.contains(try moment("2026-01-27T01:30:00Z")))
        #expect(!west.contains(try moment("2026-01-27T05:30:00Z")))
    }

    @Test(
        "end when they are over, days without a gap together",
        arguments: [
            ("mon-fri", "08:00-18:00", "2026-01-26T09:30:20Z", "2026-01-26T18:00:00Z"),
            ("fri", "22:00-06:00", "2026-01-30T23:00:00Z", "2026-01-31T06:00:00Z"),
            ("fri", "22:00-06:00", "2026-01-31T01:00:00Z", "2026-01-31T06:00:00Z"),
            ("mon-fri", nil, "2026-01-27T12:00:00Z", "2026-01-31T00:00:00Z"),
        ] as [(String?, String?, String, String)])
    func end(days: String?, hours: String?, time: String, expected: String) throws {
        let hours = try WeeklyHours(days: days, hours: hours, zone: "UTC")
        #expect(hours.end(after: try moment(time)) == (try moment(expected)))
    }

    @Test("never end that are the whole week")
    func wholeWeek() throws {
        let hours = try WeeklyHours(days: "mon-sun", hours: nil, zone: "UTC")
        #expect(hours.end(after: try moment("2026-01-27T12:00:00Z")) == nil)
    }

    @Test(
        "are written as they are read",
        arguments: [
            ("mon-fri", "08:00-18:00", "mon-fri 08:00-18:00 UTC"),
            ("fri,mon", "22:00-06:00", "mon,fri 22:00-06:00 UTC"),
            (nil, "09:00-10:00", "09:00-10:00 UTC"), ("SAT,sun", "00:00-24:00", "sat,sun 00:00-24:00 UTC"),
            ("sat-mon", "22:00-00:00", "mon,sat,sun 22:00-24:00 UTC"),
        ] as [(String?, String?, String)])
    func text(days: String?, hours: String?, expected: String) throws {
        let hours = try WeeklyHours(days: days, hours: hours, zone: "UTC")
        #expect(hours.text == expected)
        #expect(try WeeklyHours(days: hours.dayText, hours: hours.hourText, zone: hours.zoneText) == hours)
    }

    @Test(
        "are refused that are none",
        arguments: [
            ("monday", nil, nil), ("", nil, nil), ("mon-", nil, nil), ("mon-tue-wed", nil, nil),
            ("mon,", nil, nil),
            (nil, "8-18", nil), (nil, "08:00", nil), (nil, "08:00-08:00", nil), (nil, "24:00-06:00", nil),
            (nil, "08:00-24:01", nil), (nil, "08:60-09:00", nil), (nil, "+8:00-09:00", nil), (nil, "", nil),
            (nil, "08:00-18:00", "Mars"), (nil, "08:00-18:00", ""), (nil, "08:00-18:00", "+15:00"),
            (nil, "08:00-18:00", "02:00"),
        ] as [(String?, String?, String?)])
    func refused(days: String?, hours: String?, zone: String?) throws {
        #expect(throws: DirectoryError.self) {
            _ = try WeeklyHours(days: days, hours: hours, zone: zone)
        }
    }
}
