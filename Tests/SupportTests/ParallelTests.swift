import Support
import TestSupport
import Testing

@Suite("Work on several threads")
struct ParallelTests {
    @Test("results come in the order of the items, whatever the limit", arguments: [1, 3, 100])
    func order(_ limit: Int) {
        let items = Array(0..<50)
        #expect(Parallel.map(items, limit: limit) { $0 * 2 } == items.map { $0 * 2 })
        #expect(Parallel.map([Int](), limit: limit) { $0 }.isEmpty)
    }

    @Test("no more than the limit are at work at once")
    func limit() {
        let count = Locked((now: 0, most: 0))
        _ = Parallel.map(Array(0..<100), limit: 3) { _ in
            count.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            count.withLock { $0.now -= 1 }
        }
        #expect((1...3).contains(count.withLock { $0.most }))
    }

    @Test("who waits for a state is woken by the change that brings it")
    func waiting() {
        let value = Awaited(0)
        let seen = Locked<[Int]>([])
        runInParallel(3) { index in
            if index == 0 {
                for number in 1...10 { value.change { $0 = number } }
            } else {
                let result = value.wait { $0 >= 10 ? $0 : nil }
                seen.withLock { $0.append(result) }
            }
        }
        #expect(seen.withLock { $0 } == [10, 10])
    }

    @Test("who waits until a deadline is woken by the change, or gets nothing when it has passed")
    func waitingUntil() {
        let value = Awaited(0)
        let begin = MonotonicTime.now
        #expect(value.wait(until: begin + .milliseconds(30)) { $0 > 0 ? $0 : nil } == nil)
        #expect(.now >= begin + .milliseconds(30))
        #expect(value.wait(until: begin) { $0 == 0 ? "at once" : nil } == "at once")
        let seen = Locked<Int?>(nil)
        runInParallel(2) { index in
            if index == 0 {
                value.change { $0 = 1 }
            } else {
                let result = value.wait(until: .now + .seconds(600)) { $0 > 0 ? $0 : nil }
                seen.withLock { $0 = result }
            }
        }
        #expect(seen.withLock { $0 } == 1)
    }
}
