import Support
import TestSupport
import Testing

@Suite("Locked values")
struct LockedTests {
    @Test("threads that count together lose nothing")
    func counts() {
        let count = Locked(0)
        runInParallel(8) { _ in
            for _ in 0..<5_000 { count.withLock { $0 += 1 } }
        }
        #expect(count.withLock { $0 } == 40_000)
    }

    @Test("an error leaves the lock open")
    func errors() {
        struct Failure: Error {}
        let value = Locked([1])
        #expect(throws: Failure.self) {
            try value.withLock { list in
                list.append(2)
                throw Failure()
            }
        }
        #expect(value.withLock { $0 } == [1, 2])
    }
}
