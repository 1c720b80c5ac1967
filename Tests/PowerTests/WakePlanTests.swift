import Directory
import Power
import Support
import Testing

@Suite("waking an instance")
struct WakePlanTests {
    private static let timeout = Duration.seconds(60)

    /// Seconds after the beginning.
    private static func at(_ seconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    /// What comes after the last of these sightings, one a second.
    private func outcome(
        _ sightings: [WakePlan.Sighting], isStarted: Bool = false
    ) -> (WakePlan.Action?, phase: String) {
        var plan = WakePlan(timeout: Self.timeout, isStarted: isStarted, at: Self.at(0))
        var action: WakePlan.Action?
        for (second, sighting) in sightings.enumerated() {
            action = plan.next(after: sighting, at: Self.at(Int64(second)))
        }
        return (action, plan.phase)
    }

    private static func state(_ state: InstanceState, _ reason: String? = nil) -> WakePlan.Sighting {
        .state(state, reason: reason)
    }

    @Test(
        "each sighting has its step",
        arguments: [
            ([state(.stopped)], .start, "starting"),
            ([state(.stopping)], .ask, "stopping"),
            ([state(.stopping), state(.stopped)], .start, "starting"),
            ([state(.pending)], .ask, "pending"),
            ([state(.unknown)], .ask, "unknown"),
            ([state(.running)], .dial, "running, waiting for sshd"),
            ([state(.running), .answered], .succeed, "running, waiting for sshd"),
            ([state(.running), .silent("refused")], .ask, "running, waiting for sshd"),
            ([state(.stopped), .started], .ask, "pending"),
            // For a while the cloud has not heard of it yet.
            ([state(.stopped), .started, state(.stopped)], .ask, "pending"),
            ([state(.stopped), .started, state(.running), .answered], .succeed, "running, waiting for sshd"),
            ([.noWord("throttled")], .ask, "asking how it is"),
            ([state(.terminated)], .giveUp(.gone, stops: false), "terminated"),
            ([state(.shuttingDown)], .giveUp(.gone, stops: false), "shutting-down"),
        ] as [([WakePlan.Sighting], WakePlan.Action, String)])
    func steps(_ sightings: [WakePlan.Sighting], _ action: WakePlan.Action, _ phase: String) {
        let outcome = outcome(sightings)
        #expect(outcome.0 == action)
        #expect(outcome.phase == phase)
    }

    @Test("what the cloud refuses ends it, and nothing of ours runs", arguments: PowerError.Code.allCases)
    func refused(_ code: PowerError.Code) {
        let error = PowerError(code, "words")
        let action = outcome([Self.state(.stopped), .startRefused(error)]).0
        #expect(action == (code == .noAnswer ? .ask : .giveUp(.refused(error), stops: false)))
    }

    @Test("an instance that falls back says why, and is not stopped again")
    func fallsBack() {
        let sightings =
            [Self.state(.stopped), .started] + Array(repeating: Self.state(.pending), count: 10)
            + [Self.state(.stopped, "Server.InsufficientInstanceCapacity")]
        #expect(
            outcome(sightings).0
                == .giveUp(.fellBack("Server.InsufficientInstanceCapacity"), stops: false))
    }

    @Test(
        "what does not answer in time is stopped, if we started it or may have",
        arguments: [
            ([state(.stopped), .started], false, false, true),
            ([state(.stopped), .startRefused(PowerError(.noAnswer, "interrupted"))], false, false, true),
            ([state(.running)], false, false, false),
            ([state(.running)], true, false, true),
            // An earlier wake has started it, and could not have it stopped again.
            ([state(.running)], false, true, true),
            // It has been stopped since, and somebody else has started it.
            ([state(.stopped)], false, true, false),
        ] as [([WakePlan.Sighting], Bool, Bool, Bool)])
    func silent(_ begin: [WakePlan.Sighting], _ isStarted: Bool, _ isLeft: Bool, _ stops: Bool) {
        var plan = WakePlan(timeout: Self.timeout, isStarted: isStarted, isLeft: isLeft, at: Self.at(0))
        for sighting in begin { _ = plan.next(after: sighting, at: Self.at(0)) }
        _ = plan.next(after: Self.state(.running), at: Self.at(1))
        #expect(plan.next(after: .silent("timed out"), at: Self.at(59)) == .ask)
        #expect(
            plan.next(after: .silent("timed out"), at: Self.at(60))
                == .giveUp(
                    .silent(Self.timeout, lastWord: "its sshd does not answer: timed out"), stops: stops))
    }

    @Test("what an earlier wake has left is not stopped for being refused")
    func leftAndRefused() {
        var plan = WakePlan(timeout: Self.timeout, isLeft: true, at: Self.at(0))
        let error = PowerError(.noCapacity, "words")
        #expect(plan.next(after: Self.state(.stopped), at: Self.at(1)) == .start)
        #expect(
            plan.next(after: .startRefused(error), at: Self.at(2)) == .giveUp(.refused(error), stops: false))
    }

    @Test("only of what was silent is it not known whether it runs")
    func remainders() {
        #expect(WakeFailure.silent(Self.timeout, lastWord: "").remainder == .notOurs)
        #expect(WakeFailure.refused(PowerError(.noCapacity, "")).remainder == .nothing)
        #expect(WakeFailure.fellBack("").remainder == .nothing)
        #expect(WakeFailure.gone.remainder == .nothing)
    }

    @Test(
        "who is on another host instead is told why, and what may still cost something",
        arguments: [
            (WakeRemainder.nothing, ""), (.stoppedAgain, ""), (.notOurs, "; it may still run"),
            (.running("denied"), "; it could not be stopped again and may still run (denied)"),
        ])
    func remark(_ remainder: WakeRemainder, _ more: String) {
        let failure = WakeFailure.silent(.seconds(300), lastWord: "it is pending")
        #expect(
            failure.remark(about: "gpu1", leaving: remainder)
                == "gpu1 did not answer in 300 seconds: it is pending\(more)")
    }

    @Test("an answer at the last moment counts")
    func lastMoment() {
        var plan = WakePlan(timeout: Self.timeout, at: Self.at(0))
        #expect(plan.next(after: .answered, at: Self.at(61)) == .succeed)
    }

    @Test(
        "the person is told why, what is left and what to do",
        arguments: [
            (
                .refused(PowerError(.noCapacity, "x: InsufficientInstanceCapacity")), .nothing,
                "gpu1 cannot be started: the cloud has no room for an instance of its type now "
                    + "(x: InsufficientInstanceCapacity). Nothing was left running. "
                    + "Try again in some minutes, or take another host."
            ),
            (
                .refused(PowerError(.quotaExceeded, "x: VcpuLimitExceeded")), .nothing,
                "gpu1 cannot be started: the quota of the account is used up (x: VcpuLimitExceeded). "
                    + "Nothing was left running. Ask your administrator to stop another host or to raise the quota."
            ),
            (
                .silent(.seconds(300), lastWord: "it is pending"), .stoppedAgain,
                "gpu1 did not answer in 300 seconds: it is pending. "
                    + "It was stopped again, so nothing is left running. Ask your administrator."
            ),
            (
                .silent(.seconds(300), lastWord: "it is pending"), .running("denied"),
                "gpu1 did not answer in 300 seconds: it is pending. "
                    + "It could not be stopped again and may still run: denied. Ask your administrator."
            ),
            (
                .silent(.seconds(300), lastWord: "it is running"), .notOurs,
                "gpu1 did not answer in 300 seconds: it is running. "
                    + "It may still run; Gatehouse did not start it. Ask your administrator."
            ),
            (
                .gone, .nothing,
                "gpu1 is gone: its machine was terminated. Nothing was left running. Ask your administrator."
            ),
        ] as [(WakeFailure, WakeRemainder, String)])
    func sentences(_ failure: WakeFailure, _ remainder: WakeRemainder, _ sentence: String) {
        #expect(failure.sentence(of: "gpu1", leaving: remainder) == sentence)
    }
}
