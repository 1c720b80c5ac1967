import Power
import Support
import Testing

@Suite("idle hosts")
struct IdleTests {
    private static let quiet = IdleSample(boot: "b", cores: 4, processorTime: 100)

    /// Seconds after the beginning.
    private static func at(_ seconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    private static func sample(
        _ processorTime: Double, _ activities: [IdleSample.Activity: Double] = [:], boot: String = "b"
    ) -> IdleSample {
        IdleSample(boot: boot, cores: 4, processorTime: processorTime, activities: activities)
    }

    private static let tmux = IdleSample.Activity(user: "alice", what: "tmux", holds: true)
    private static let python = IdleSample.Activity(user: "alice", what: "python3", holds: false)
    private static let shell = IdleSample.Activity(user: "bob", what: "bash", holds: false)

    /// The state after these measurements, one each minute.
    private func state(of samples: [IdleSample], sessions: Int = 0) -> IdleState {
        var meter = IdleMeter(interval: .seconds(60))
        for (minute, sample) in samples.enumerated() {
            meter.take(sample, at: Self.at(Int64(minute) * 60))
            meter.note(sessions: sessions, at: Self.at(Int64(minute) * 60))
        }
        return meter.state(at: Self.at(Int64(samples.count - 1) * 60))
    }

    @Test(
        "only measured time in which little was done is idle",
        arguments: [
            ([quiet], .idle(.zero)),
            ([quiet, quiet, quiet], .idle(.seconds(120))),
            // 0.1 processors are allowed in all, 0.02 for a program.
            ([sample(100), sample(105), sample(110)], .idle(.seconds(120))),
            ([sample(100), sample(110), sample(110)], .idle(.seconds(60))),
            ([sample(100), sample(100), sample(110)], .kept("load, 0.17 processors")),
            ([quiet, sample(100, [tmux: 0])], .kept("tmux of alice")),
            ([sample(100, [tmux: 0]), quiet, quiet], .idle(.seconds(120))),
            ([sample(100, [shell: 1]), sample(100, [shell: 2])], .idle(.seconds(60))),
            (
                [sample(100, [python: 1]), sample(103, [python: 4])],
                .kept("python3 of alice, 0.05 processors")
            ),
            // A program that is new has used all of its time since the last look.
            ([quiet, sample(103, [python: 3])], .kept("python3 of alice, 0.05 processors")),
            // What ended takes its time with it.
            ([sample(100, [python: 9]), sample(91)], .idle(.seconds(60))),
            ([quiet, quiet, sample(1, boot: "c")], .idle(.zero)),
            ([quiet, sample(1, boot: "c"), sample(1, boot: "c")], .idle(.seconds(60))),
        ] as [([IdleSample], IdleState)])
    func states(_ samples: [IdleSample], _ state: IdleState) {
        #expect(self.state(of: samples) == state)
    }

    @Test("sessions keep a host, and idleness begins when the last has ended")
    func sessions() {
        #expect(state(of: [Self.quiet], sessions: 1) == .kept("a session"))
        #expect(state(of: [Self.quiet], sessions: 3) == .kept("3 sessions"))
        var meter = IdleMeter(interval: .seconds(60))
        meter.take(Self.quiet, at: Self.at(0))
        meter.note(sessions: 1, at: Self.at(50))
        meter.note(sessions: 0, at: Self.at(51))
        meter.take(Self.quiet, at: Self.at(60))
        #expect(meter.state(at: Self.at(70)) == .idle(.seconds(20)))
    }

    @Test("what is not measured is not idle")
    func unmeasured() {
        var meter = IdleMeter(interval: .seconds(60))
        #expect(meter.state(at: Self.at(0)) == .unknown("it was not measured yet"))
        meter.take(Self.quiet, at: Self.at(0))
        meter.take(Self.quiet, at: Self.at(60))
        #expect(meter.state(at: Self.at(200)) == .idle(.seconds(200)))
        meter.noteFailure("no agent")
        // Three intervals and a little: more is a gap.
        #expect(meter.state(at: Self.at(256)) == .unknown("no agent"))
        meter.take(Self.quiet, at: Self.at(300))
        #expect(meter.state(at: Self.at(300)) == .idle(.zero))
    }

    @Test(
        "states read well",
        arguments: [
            (IdleState.idle(.seconds(2_040)), "idle 34m"), (.idle(.seconds(12)), "idle 12s"),
            (.idle(.seconds(7_500)), "idle 2h 5m"), (.idle(.seconds(7_200)), "idle 2h"),
            (.kept("tmux of alice"), "kept: tmux of alice"), (.unknown("why"), "not known: why"),
        ])
    func texts(_ state: IdleState, _ text: String) {
        #expect(state.text == text)
    }

    // MARK: Plans

    /// What is done at each of these seconds, where the host is idle from the beginning.
    private func actions(_ interval: Int64, _ seconds: [Int64], kept: Set<Int64> = []) -> [IdlePlan.Action] {
        var plan = IdlePlan(interval: .seconds(interval))
        return seconds.map {
            plan.next(.idle(.seconds($0)), isKept: kept.contains($0), at: Self.at($0))
        }
    }

    @Test("warnings come 15 and 5 minutes before, then it is stopped")
    func warnings() {
        let minutes: [Int64] = [0, 29, 30, 31, 39, 40, 44, 45]
        #expect(
            actions(2_700, minutes.map { $0 * 60 }) == [
                .nothing, .nothing, .warn(.seconds(900)), .nothing, .nothing, .warn(.seconds(300)), .nothing,
                .stop(.seconds(2_700)),
            ])
    }

    @Test("in a short time the warnings come sooner")
    func shortTimes() {
        #expect(
            actions(90, [0, 59, 60, 79, 80, 89, 90]) == [
                .nothing, .nothing, .warn(.seconds(30)), .nothing, .warn(.seconds(10)), .nothing,
                .stop(.seconds(90)),
            ])
    }

    @Test(
        "the second warning comes well after the first and promises less time",
        arguments: [
            (600, [200, 66]), (900, [300, 100]), (1_199, [399, 133]), (1_200, [900, 300]),
        ] as [(Int64, [Int64])])
    func leads(_ interval: Int64, _ leads: [Int64]) {
        let seconds = Array(0...interval)
        let given = zip(seconds, actions(interval, seconds)).compactMap { second, action in
            if case .warn(let left) = action { (second: second, left: left) } else { nil }
        }
        #expect(given.map(\.left.components.seconds) == leads)
        for (second, left) in given {
            // Looked at once a second, so it may be one late.
            #expect((interval...interval + 1).contains(second + left.components.seconds))
        }
    }

    @Test("nothing is stopped without its warnings, each as long before as it says")
    func lateWarnings() {
        // It was kept for ten hours.
        let begin: Int64 = 36_000
        let seconds = [0, 1, 599, 600, 899, 900].map { begin + $0 }
        #expect(
            actions(2_700, [begin - 1] + seconds, kept: [begin - 1]) == [
                .nothing, .warn(.seconds(900)), .nothing, .nothing, .warn(.seconds(300)), .nothing,
                .stop(.seconds(begin + 900)),
            ])
    }

    @Test(
        "whoever uses or keeps it has the warnings begin anew",
        arguments: [
            IdleState.kept("a session"), .unknown("no agent"), .idle(.seconds(10)),
        ])
    func interrupted(_ state: IdleState) {
        var plan = IdlePlan(interval: .seconds(90))
        #expect(plan.next(.idle(.seconds(60)), isKept: false, at: Self.at(60)) == .warn(.seconds(30)))
        #expect(plan.next(.idle(.seconds(80)), isKept: false, at: Self.at(80)) == .warn(.seconds(10)))
        #expect(plan.next(state, isKept: false, at: Self.at(85)) == .nothing)
        #expect(plan.next(.idle(.seconds(95)), isKept: false, at: Self.at(95)) != .stop(.seconds(95)))
    }

    @Test("the time that is left")
    func left() {
        var plan = IdlePlan(interval: .seconds(90))
        #expect(plan.untilStop(after: .seconds(20), at: Self.at(20)) == .seconds(70))
        _ = plan.next(.idle(.seconds(60)), isKept: false, at: Self.at(60))
        #expect(plan.untilStop(after: .seconds(65), at: Self.at(65)) == .seconds(25))
        let other = IdlePlan(interval: .seconds(90))
        #expect(other.untilStop(after: .seconds(500), at: Self.at(500)) == .seconds(30))
    }
}
