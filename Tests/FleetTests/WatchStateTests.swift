import AWS
import Fleet
import Support
import Testing

@Suite("Following commands")
struct WatchStateTests {
    private typealias Key = WatchState.Key

    private var watch: WatchState
    private let start = MonotonicTime(nanoseconds: 0)

    init() {
        watch = WatchState(document: "AWS-RunShellScript", timing: WatchState.Timing())
    }

    private func at(_ milliseconds: Int) -> MonotonicTime { start + .milliseconds(milliseconds) }

    private func invocation(
        _ command: String, _ instance: String, _ state: InvocationState, exitStatus: Int? = nil
    ) -> CommandInvocation {
        CommandInvocation(commandID: command, instanceID: instance, state: state, exitStatus: exitStatus)
    }

    private mutating func follow(
        _ command: String, _ instances: [String], canWait: Bool = false, at milliseconds: Int = 0
    ) {
        watch.follow(
            RunCommand(
                id: command, state: .pending, targetCount: instances.count,
                requested: Timestamp(milliseconds: 1_700_000_000_000 + Int64(milliseconds))),
            on: instances, limit: .seconds(300), canWait: canWait, at: at(milliseconds),
            serverTime: Timestamp(milliseconds: 0))
    }

    /// The moments, in milliseconds, at which something is done in a time in which nothing changes.
    private mutating func moments(until end: Int, _ answer: [CommandInvocation] = []) -> [Int] {
        var moments: [Int] = []
        for time in stride(from: 0, through: end, by: 10) {
            switch watch.next(at: at(time)) {
            case .list:
                moments.append(time)
                watch.note(answer, at: at(time))
            case .cancel: moments.append(-time)
            case .wait, .idle: break
            }
        }
        return moments
    }

    @Test("who waits is served soon, and asked about less and less often")
    mutating func pauses() {
        #expect(watch.next(at: at(0)) == .idle)
        follow("c-1", ["i-1"])
        let asked = moments(until: 20_000, [invocation("c-1", "i-1", .running)])
        #expect(asked.prefix(3) == [300, 600, 1_050])
        #expect(asked.count < 12)
        watch.note([invocation("c-1", "i-1", .succeeded)], at: at(20_000))
        #expect(watch.next(at: at(20_000)) == .idle)
    }

    @Test("an end is told once, and stays whatever is said later")
    mutating func sticky() {
        follow("c-1", ["i-1"])
        let end = invocation("c-1", "i-1", .succeeded, exitStatus: 0)
        watch.note([end], at: at(400))
        watch.note([invocation("c-1", "i-1", .running)], at: at(500))
        let key = Key(commandID: "c-1", instanceID: "i-1")
        #expect(watch.take([key]) == [key: .ended(end)])
        #expect(watch.take([key]).isEmpty)
        #expect(watch.next(at: at(600)) == .idle)
    }

    @Test(
        "those that can wait are asked for together: at fifty, when it is time, or when nothing more is sent")
    mutating func together() {
        for number in 0..<49 { follow("c-\(number)", ["i-\(number)"], canWait: true, at: number * 10) }
        guard case .wait = watch.next(at: at(4_000)) else {
            Issue.record("asked too early")
            return
        }
        var late = watch
        let all = InvocationFilter(
            requestedAfter: Timestamp(milliseconds: 1_700_000_000_000 - 2_000), document: "AWS-RunShellScript"
        )
        #expect(late.next(at: at(9_600)) == .list([all]))
        var hurried = watch
        hurried.hurry([Key(commandID: "c-0", instanceID: "i-0")])
        #expect(hurried.next(at: at(4_000)) == .list([all]))
        follow("c-49", ["i-49"], canWait: true, at: 1_000)
        #expect(watch.next(at: at(4_000)) == .list([all]))
    }

    @Test("commands sent one after the other cost a question for each fifty, not one each")
    mutating func staggered() {
        var questions = 0
        for time in stride(from: 0, to: 40_000, by: 10) {
            if time % 100 == 0, time < 20_000 {
                follow("c-\(time)", ["i-\(time)"], canWait: true, at: time)
            }
            if case .list = watch.next(at: at(time)) {
                questions += 1
                // Every command takes two seconds.
                let sent = stride(from: 0, through: min(time, 19_900), by: 100)
                watch.note(
                    sent.map { invocation("c-\($0)", "i-\($0)", $0 + 2_000 <= time ? .succeeded : .running) },
                    at: at(time))
            }
        }
        #expect(watch.next(at: at(40_000)) == .idle)
        #expect((4...8).contains(questions), "\(questions) questions")
    }

    @Test("few commands for many hosts are asked for one by one")
    mutating func byCommand() {
        follow("c-1", (0..<50).map { "i-\($0)" }, canWait: true)
        follow("c-2", (50..<100).map { "i-\($0)" }, canWait: true)
        #expect(
            watch.next(at: at(1_600)) == .list([.init(commandID: "c-1"), .init(commandID: "c-2")]))
    }

    @Test("what no agent fetches is called off, and counts as not begun only when that is certain")
    mutating func notFetched() {
        follow("c-1", ["i-1"])
        let key = Key(commandID: "c-1", instanceID: "i-1")
        let pending = invocation("c-1", "i-1", .pending)
        var time = 0
        while time < 60_000 {
            let step = watch.next(at: at(time))
            if case .list = step { watch.note([pending], at: at(time)) }
            if step == .cancel(commandID: "c-1", instanceIDs: ["i-1"]) { break }
            time += 10
        }
        #expect((30_000..<36_000).contains(time))
        var cancelled = watch
        cancelled.note([invocation("c-1", "i-1", .cancelled)], at: at(time + 300))
        #expect(cancelled.take([key]) == [key: .notFetched])
        // It began in the last moment and was killed.
        var killed = watch
        killed.note([invocation("c-1", "i-1", .cancelled, exitStatus: 137)], at: at(time + 300))
        #expect(killed.take([key]) != [key: .notFetched])
        // The service never says.
        for later in stride(from: time, to: time + 30_000, by: 10) {
            if case .list = watch.next(at: at(later)) { watch.note([pending], at: at(later)) }
        }
        #expect(watch.take([key]) == [key: .lost])
    }

    @Test("nothing is called off or given up that was not asked about since")
    mutating func notAsked() {
        follow("c-1", ["i-1"])
        guard case .list = watch.next(at: at(400_000)) else {
            Issue.record("called off unasked")
            return
        }
    }

    @Test("failures of the service are borne for a minute, and those that stay so not at all")
    mutating func failures() {
        follow("c-1", ["i-1"])
        let key = Key(commandID: "c-1", instanceID: "i-1")
        watch.note(AWSError(.interrupted, "broke"), at: at(400))
        watch.note(AWSError(.interrupted, "broke"), at: at(50_000))
        #expect(watch.take([key]).isEmpty)
        watch.note([], at: at(55_000))
        watch.note(AWSError(.interrupted, "broke"), at: at(110_000))
        #expect(watch.take([key]).isEmpty)
        let last = AWSError(.throttled, "busy")
        watch.note(last, at: at(171_000))
        #expect(watch.take([key]) == [key: .unknown(last)])
        follow("c-2", ["i-1"], at: 171_000)
        watch.note(AWSError(.accessDenied, "no"), at: at(172_000))
        #expect(watch.take([Key(commandID: "c-2", instanceID: "i-1")]).count == 1)
    }
}
