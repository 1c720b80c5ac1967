import Support
import Testing

@Suite("Time")
struct TimeTests {
    @Test(
        "moments are written and read as RFC 3339 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"), (1_790_000_000, "2026-09-21T14:13:20Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] as [(Int64, String)])
    func rfc3339(_ seconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: seconds * 1_000).description == text)
        #expect(Timestamp(text) == Timestamp(milliseconds: seconds * 1_000))
    }

    @Test("every day of 400 years is read back")
    func everyDay() {
        for day in 0..<Int64(146_097) {
            let time = Timestamp(milliseconds: day * 86_400_000)
            guard Timestamp(time.description) == time else {
                Issue.record("\(time)")
                return
            }
        }
    }

    @Test("a plain date is its beginning")
    func plainDate() {
        #expect(Timestamp("2026-09-21") == Timestamp("2026-09-21T00:00:00Z"))
    }

    @Test(
        "any other text is no moment",
        arguments: [
            "", "T", "2026", "2026-09", "2026-9-21", "2026-09-31", "2026-02-29", "2100-02-29", "2026-00-01",
            "2026-13-01",
            "2026-01-00", "1969-12-31", "10000-01-01", "2026-+1-+2", "-026-01-01", "2026-09-21T",
            "2026-09-21TZ",
            "2026-09-21T14:13Z", "2026-09-21T14:13:20", "2026-09-21T24:00:00Z", "2026-09-21T14:60:00Z",
            "2026-09-21T14:13:61Z", "2026-09-21T1:13:20Z", "2026-09-21T14:13:20+00:00",
            "2026-09-21T14:13:20.5Z",
            "2026-09-21 14:13:20Z", "2026-09-21T14:13:20Z ", "２026-09-21",
        ])
    func noMoment(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("extreme values are written without harm")
    func extremes() {
        #expect(Timestamp(milliseconds: -1).description == "1970-01-01T00:00:00Z")
        #expect(Timestamp(milliseconds: .min).description == "1970-01-01T00:00:00Z")
        #expect(Timestamp(milliseconds: .max).description.hasSuffix("Z"))
    }

    @Test("durations add up")
    func durations() {
        let time = Timestamp(milliseconds: 1_500)
        #expect(time + .seconds(2) == Timestamp(milliseconds: 3_500))
        #expect(time.seconds == 1)
        #expect(Duration.milliseconds(1_999).milliseconds == 1_999)
        let start = MonotonicTime(nanoseconds: 5_000_000)
        #expect(start + .milliseconds(3) == MonotonicTime(nanoseconds: 8_000_000))
        #expect(start - MonotonicTime(nanoseconds: 4_000_000) == .milliseconds(1))
        #expect(MonotonicTime.now <= MonotonicTime.now)
    }
}

@Suite("Session names")
struct SessionIDTests {
    @Test("a name has 26 characters of the alphabet and is read back")
    func shape() {
        let id = SessionID()
        #expect(id.description.utf8.count == 26)
        #expect(SessionID(id.description) == id)
    }

    @Test("names sort by time, and the time is in the first ten characters")
    func sorts() {
        let times: [Int64] = [0, 31, 32, 1_790_000_000_000, 1_790_000_000_001, 281_474_976_710_655]
        let names = times.map { SessionID(at: Timestamp(milliseconds: $0)).description }
        #expect(names == names.sorted())
        #expect(names[0].hasPrefix("0000000000"))
        #expect(names[1].hasPrefix("000000000Z"))
        #expect(names[5].hasPrefix("7ZZZZZZZZZ"))
    }

    @Test("no two names are the same")
    func unique() {
        let now = Timestamp.now
        #expect(Set((0..<10_000).map { _ in SessionID(at: now) }).count == 10_000)
    }

    @Test(
        "any other text is no name",
        arguments: [
            "", "0", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX", "01ARZ3NDEKTSV4RRFFQ69G5FAI",
            "01arz3ndektsv4rrffq69g5fav", "../../../../../../etc/pass", "01ARZ3NDEKTSV4RRFFQ69G5F\n\n",
            "01ARZ3NDEKTSV4RRFFQ69G5Fé",
        ])
    func noName(_ text: String) {
        #expect(SessionID(text) == nil)
    }
}
