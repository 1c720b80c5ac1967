import Monitor
import Support
import Testing

@Suite("When accounts are checked")
struct CheckScheduleTests {
    private func time(_ second: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: second * 1_000_000_000) }

    @Test("every host at each interval, for the first time an interval after the start")
    func interval() {
        var schedule = CheckSchedule(calm: .seconds(2))
        var checks: [Int64] = []
        for second in Int64(0)...35
        where schedule.next(at: time(second), generation: 7, interval: .seconds(10)) == .all {
            checks.append(second)
        }
        #expect(checks == [10, 20, 30])
    }

    @Test("changes that come one after the other are looked at once, when it is calm")
    func changes() {
        var schedule = CheckSchedule(calm: .seconds(2))
        var checks: [Int64] = []
        for second in Int64(0)...20 {
            let generation = min(max(second, 3), 6)
            if schedule.next(at: time(second), generation: generation, interval: .seconds(900)) == .changed {
                checks.append(second)
            }
        }
        #expect(checks == [8])
    }

    @Test("an interval of zero asks nobody, and what changed meanwhile is not made up for")
    func off() {
        var schedule = CheckSchedule(calm: .seconds(2))
        for second in Int64(0)...20 {
            #expect(schedule.next(at: time(second), generation: second, interval: .zero) == .nothing)
        }
        #expect(schedule.next(at: time(21), generation: 20, interval: .seconds(10)) == .nothing)
        #expect(schedule.next(at: time(24), generation: 20, interval: .seconds(10)) == .nothing)
        #expect(schedule.next(at: time(31), generation: 20, interval: .seconds(10)) == .all)
    }
}
