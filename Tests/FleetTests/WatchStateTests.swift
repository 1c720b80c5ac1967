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

    /// A list of all commands since then.
    private func all(since milliseconds: Int = 0) -> InvocationFilter {
        InvocationFilter(
            requestedAfter: Timestamp(milliseconds: 1_700_000_000_000 + Int64(milliseconds) - 2_000),
            document: "AWS-RunShellScript")
    }

    /// Sends commands to an instance each and asks about them whenever that is due, until all have ended.
    ///
    /// - Parameters:
    ///   - times: when they are sent, in milliseconds.
    ///   - duration: how long the one of that time takes, in milliseconds.
    /// - Returns: the calls that the lists took, of fifty invocations each, and when the last end was known.
    private mutating func callsToFollow(
        _ times: [Int], duration: (Int) -> Int
    ) -> (calls: Int, end: Int) {
        var sent: [Int] = []
        var keys: Set<Key> = []
        var calls = 0
        for time in stride(from: 0, to: 600_000, by: 10) {
            if sent.count < times.count, times[sent.count] <= time {
                follow("c-\(time)", ["i-\(time)"], canWait: true, at: time)
                sent.append(time)
                keys.insert(Key(commandID: "c-\(time)", instanceID: "i-\(time)"))
                if sent.count == times.count { watch.hurry(keys, at: at(time)) }
            }
            switch watch.next(at: at(time)) {
            case .list(let filters):
                for filter in filters {
                    let start = filter.requestedAfter.map { Int($0.milliseconds - 1_700_000_000_000) }
                    let listed = sent.reversed().filter {
                        filter.commandID == "c-\($0)" || $0 > start ?? Int.max
                    }
                    var told: [CommandInvocation] = []
                    repeat {
                        calls += 1
                        told += listed.dropFirst(told.count).prefix(50).map { moment in
                            invocation(
                                "c-\(moment)", "i-\(moment)",
                                time >= moment + duration(moment) ? .succeeded : .running)
                        }
                    } while told.count < listed.count && !watch.isEnough(told, of: filter)
                    watch.note(told, of: filter, at: at(time))
                }
            case .idle where sent.count == times.count: return (calls, time)
            default: break
            }
        }
        return (calls, .max)
    }

    /// The moments, in milliseconds, at which something is done in a time in which nothing changes.
    private mutating func moments(until end: Int, _ answer: [CommandInvocation] = []) -> [Int] {
        var moments: [Int] = []
        for time in stride(from: 0, through: end, by: 10) {
            switch watch.next(at: at(time)) {
            case .list(let filters):
                moments.append(time)
                for filter in filters { watch.note(answer, of: filter, at: at(time)) }
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
        watch.note([invocation("c-1", "i-1", .succeeded)], of: all(), at: at(20_000))
        #expect(watch.next(at: at(20_000)) == .idle)
    }

    @Test("an end is told once, and stays whatever is said later")
    mutating func sticky() {
        follow("c-1", ["i-1"])
        let end = invocation("c-1", "i-1", .succeeded, exitStatus: 0)
        watch.note([end], of: all(), at: at(400))
        watch.note([invocation("c-1", "i-1", .running)], of: all(), at: at(500))
        let key = Key(commandID: "c-1", instanceID: "i-1")
        #expect(watch.take([key]) == [key: .ended(end)])
        #expect(watch.take([key]).isEmpty)
        #expect(watch.next(at: at(600)) == .idle)
    }

    @Test("while more is sent, those that can wait are asked for together: at fifty, or when it is time")
    mutating func together() {
        for number in 0..<49 { follow("c-\(number)", ["i-\(number)"], canWait: true, at: number * 10) }
        guard case .wait = watch.next(at: at(4_000)) else {
            Issue.record("asked too early")
            return
        }
        var late = watch
        #expect(late.next(at: at(9_600)) == .list([all()]))
        follow("c-49", ["i-49"], canWait: true, at: 1_000)
        #expect(watch.next(at: at(4_000)) == .list([all()]))
    }

    @Test("when nothing more is sent, one question is for all: as soon as the last one may have ended")
    mutating func afterTheLast() {
        for number in 0..<3 { follow("c-\(number)", ["i-\(number)"], canWait: true, at: number * 1_000) }
        watch.hurry(Set((0..<3).map { Key(commandID: "c-\($0)", instanceID: "i-\($0)") }), at: at(2_000))
        guard case .wait = watch.next(at: at(3_400)) else {
            Issue.record("asked too early")
            return
        }
        #expect(watch.next(at: at(3_500)) == .list([all()]))
    }

    @Test("who waits is not kept by those that can wait, and takes no more calls for it")
    mutating func besideMany() {
        for number in 0..<40 { follow("c-\(number)", ["i-\(number)"], canWait: true, at: number) }
        follow("c-one", ["i-one"], at: 1_000)
        #expect(watch.next(at: at(1_300)) == .list([all(since: 1_000)]))
        watch.note([invocation("c-one", "i-one", .running)], of: all(since: 1_000), at: at(1_300))
        // By now all could have ended, and one call tells of all.
        #expect(watch.next(at: at(1_600)) == .list([all()]))
    }

    @Test("commands sent one after the other cost a call for each fifty, and some for the last ones")
    mutating func staggered() {
        let (calls, end) = callsToFollow((0..<200).map { $0 * 200 }) { _ in 1_000 }
        #expect(calls <= 8, "\(calls) calls")
        #expect(end <= 39_800 + 2_000)
    }

    @Test("some that take long cost some calls more, and do not make every list reach back to them")
    mutating func stragglers() {
        let (calls, end) = callsToFollow((0..<200).map { $0 * 200 }) { $0 % 10_000 == 0 ? 50_000 : 1_000 }
        #expect(calls <= 40, "\(calls) calls")
        #expect(end <= 30_000 + 50_000 + 8_000)
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
            if case .list(let filters) = step { watch.note([pending], of: filters[0], at: at(time)) }
            if step == .cancel(commandID: "c-1", instanceIDs: ["i-1"]) { break }
            time += 10
        }
        #expect((30_000..<36_000).contains(time))
        var cancelled = watch
        cancelled.note([invocation("c-1", "i-1", .cancelled)], of: all(), at: at(time + 300))
        #expect(cancelled.take([key]) == [key: .notFetched])
        // It began in the last moment and was killed.
        var killed = watch
        killed.note([invocation("c-1", "i-1", .cancelled, exitStatus: 137)], of: all(), at: at(time + 300))
        #expect(killed.take([key]) != [key: .notFetched])
        // The service never says.
        for later in stride(from: time, to: time + 30_000, by: 10) {
            if case .list(let filters) = watch.next(at: at(later)) {
                watch.note([pending], of: filters[0], at: at(later))
            }
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
    mutating func failures() throws {
        follow("c-1", ["i-1"])
        let key = Key(commandID: "c-1", instanceID: "i-1")
        try fail(AWSError(.interrupted, "broke"), at: 400)
        try fail(AWSError(.interrupted, "broke"), at: 50_000)
        #expect(watch.take([key]).isEmpty)
        let answer = [invocation("c-1", "i-1", .running)]
        for filter in try lists(at: 55_000) { watch.note(answer, of: filter, at: at(55_000)) }
        try fail(AWSError(.interrupted, "broke"), at: 110_000)
        #expect(watch.take([key]).isEmpty)
        let last = AWSError(.throttled, "busy")
        try fail(last, at: 171_000)
        #expect(watch.take([key]) == [key: .unknown(last)])
        follow("c-2", ["i-1"], at: 171_000)
        try fail(AWSError(.accessDenied, "no"), at: 172_000)
        #expect(watch.take([Key(commandID: "c-2", instanceID: "i-1")]).count == 1)
        #expect(watch.next(at: at(173_000)) == .idle)
    }

    @Test("a list that can never be answered ends the wait for its own command, and for no other")
    mutating func oneListFails() throws {
        let (first, second) = (followFifty("c-1", from: 0), followFifty("c-2", from: 50))
        let filters = try lists(at: 1_600)
        #expect(filters == [InvocationFilter(commandID: "c-1"), InvocationFilter(commandID: "c-2")])
        let last = AWSError(.notFound, "no such command")
        watch.note(last, of: filters[0], at: at(1_600))
        #expect(watch.take(first.union(second)) == outcomes(of: first) { _ in .unknown(last) })
        watch.note([], of: filters[1], at: at(1_600))
        let ends = second.map { invocation("c-2", $0.instanceID, .succeeded) }
        for filter in try lists(at: 10_000) { watch.note(ends, of: filter, at: at(10_000)) }
        #expect(
            watch.take(first.union(second))
                == outcomes(of: second) { .ended(invocation("c-2", $0.instanceID, .succeeded)) })
    }

    @Test("a command whose list alone keeps failing is given up after a minute, however well the others go")
    mutating func oneListKeepsFailing() {
        let (first, second) = (followFifty("c-1", from: 0), followFifty("c-2", from: 50))
        let answer = second.map { invocation("c-2", $0.instanceID, .running) }
        let last = AWSError(.serverFault, "oh")
        var given: Int?
        for time in stride(from: 0, through: 90_000, by: 10) {
            guard case .list(let filters) = watch.next(at: at(time)) else { continue }
            for filter in filters {
                if filter.commandID == "c-2" {
                    watch.note(answer, of: filter, at: at(time))
                } else {
                    watch.note(last, of: filter, at: at(time))
                }
            }
            let told = watch.take(first.union(second))
            guard !told.isEmpty else { continue }
            #expect(given == nil)
            #expect(told == outcomes(of: first) { _ in .unknown(last) })
            given = time
        }
        #expect((60_000..<70_000).contains(given ?? 0))
    }

    /// Follows a command for so many instances that it has a list of its own.
    private mutating func followFifty(_ command: String, from number: Int) -> Set<Key> {
        let instances = (number..<number + 50).map { "i-\($0)" }
        follow(command, instances)
        return Set(instances.map { Key(commandID: command, instanceID: $0) })
    }

    private func outcomes(
        of keys: Set<Key>, _ outcome: (Key) -> WatchState.Outcome
    ) -> [Key: WatchState.Outcome] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0, outcome($0)) })
    }

    /// The lists that are asked for at that time.
    private mutating func lists(at milliseconds: Int) throws -> [InvocationFilter] {
        let step = watch.next(at: at(milliseconds))
        guard case .list(let filters) = step else { throw NotAsked(step: step) }
        return filters
    }

    private struct NotAsked: Error {
        let step: WatchState.Step
    }

    /// All that is asked for at that time fails.
    private mutating func fail(_ error: AWSError, at milliseconds: Int) throws {
        for filter in try lists(at: milliseconds) { watch.note(error, of: filter, at: at(milliseconds)) }
    }
}
