import Routing
import Support
import Testing

/// A breaker that can be asked within an expectation.
private final class Subject {
    private(set) var breaker = CircuitBreaker()

    var isOpen: Bool { breaker.isOpen }
    var reason: String? { breaker.reason }

    @discardableResult
    func noteFailure(_ reason: String, at time: MonotonicTime) -> Bool {
        breaker.noteFailure(reason, at: time)
    }

    func noteSuccess() -> Bool { breaker.noteSuccess() }
    func takeProbe(at time: MonotonicTime) -> Bool { breaker.takeProbe(at: time) }
}

@Suite("the breaker of a host")
struct CircuitBreakerTests {
    private let start = MonotonicTime.now

    /// A breaker that has just opened.
    private func opened() -> Subject {
        let breaker = Subject()
        for _ in 0..<CircuitBreaker.limit { breaker.noteFailure("refused", at: start) }
        return breaker
    }

    @Test("opens after three failures in a row, and says so once")
    func opens() {
        let breaker = Subject()
        #expect(!breaker.noteFailure("a", at: start))
        #expect(!breaker.noteFailure("b", at: start))
        #expect(!breaker.isOpen)
        #expect(breaker.noteFailure("c", at: start))
        #expect(breaker.isOpen)
        #expect(breaker.reason == "c")
        #expect(!breaker.noteFailure("d", at: start))
    }

    @Test("a success between failures keeps it closed")
    func keepsClosed() {
        let breaker = Subject()
        for _ in 0..<10 {
            #expect(!breaker.noteFailure("a", at: start))
            #expect(!breaker.noteFailure("b", at: start))
            #expect(!breaker.noteSuccess())
        }
        #expect(!breaker.isOpen)
        #expect(breaker.reason == nil)
    }

    @Test("one failure is looked into at once, a host that is well is not")
    func probesDoubts() {
        let breaker = Subject()
        #expect(!breaker.takeProbe(at: start))
        breaker.noteFailure("a", at: start)
        #expect(breaker.takeProbe(at: start))
    }

    @Test("half-open after a pause: one probe at a time, and a success closes it")
    func closes() {
        let breaker = opened()
        #expect(!breaker.takeProbe(at: start + CircuitBreaker.firstPause + .milliseconds(-1)))
        #expect(breaker.takeProbe(at: start + CircuitBreaker.firstPause))
        #expect(breaker.isOpen)
        #expect(!breaker.takeProbe(at: start + .seconds(1_000)))
        #expect(breaker.noteSuccess())
        #expect(!breaker.isOpen)
        #expect(breaker.breaker == CircuitBreaker())
    }

    @Test("each failed probe doubles the pause, two minutes at the most")
    func backsOff() {
        let breaker = opened()
        var time = start
        var pauses: [Duration] = []
        var pause = CircuitBreaker.firstPause
        for _ in 0..<8 {
            time = time + pause
            #expect(!breaker.takeProbe(at: time + .milliseconds(-1)))
            #expect(breaker.takeProbe(at: time))
            #expect(!breaker.noteFailure("still", at: time))
            pause = min(pause * 2, CircuitBreaker.longestPause)
            pauses.append(pause)
        }
        #expect(pauses.last == CircuitBreaker.longestPause)
    }

    @Test("whoever tries an open one in vain does not put the probe off")
    func triesInVain() {
        let breaker = opened()
        breaker.noteFailure("again", at: start + .seconds(4))
        #expect(breaker.takeProbe(at: start + CircuitBreaker.firstPause))
    }
}
