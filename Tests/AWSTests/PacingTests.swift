import AWS
import Support
import Testing

/// A service that takes so many calls in any second, and says that it has no room for others.
private final class BusyService: Sendable {
    private let taken = Locked<[Timestamp]>([])
    private let limit: Locked<Int>
    private let clock: FakeClock

    init(limit: Int, _ clock: FakeClock) {
        self.limit = Locked(limit)
        self.clock = clock
    }

    func setLimit(_ number: Int) { limit.withLock { $0 = number } }

    var transport: FakeTransport {
        FakeTransport { (_, _) throws(AWSError) in
            self.clock.advance(.milliseconds(20))
            let now = self.clock.now
            let limit = self.limit.withLock { $0 }
            let isTaken = self.taken.withLock { taken in
                taken.removeAll { now.milliseconds - $0.milliseconds >= 1_000 || $0 > now }
                guard taken.count < limit else { return false }
                taken.append(now)
                return true
            }
            if isTaken { return .text("{}") }
            return .text(#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#, status: 400)
        }
    }
}

@Suite("The pace of calls")
struct PacingTests {
    private let clock = FakeClock()

    private func client(_ transport: FakeTransport) throws -> SSMClient {
        SSMClient(
            try AWSSession(
                region: "eu-central-1", providers: [EnvironmentCredentials(.keys)],
                endpoints: Endpoints(region: "eu-central-1", environment: .keys, profile: nil),
                transport: transport, effects: clock.effects(), pacing: Pacing()))
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = clock.now
        try body()
        return Double(clock.now.milliseconds - start.milliseconds) / 1_000
    }

    @Test(
        "finds what a service takes: nineteen of twenty calls are taken, at two thirds of the best speed or more",
        arguments: [1, 2, 3, 5, 10, 20, 40])
    func findsTheLimit(_ limit: Int) throws {
        let transport = BusyService(limit: limit, clock).transport
        let client = try client(transport)
        let took = try seconds { for _ in 1...200 { try client.cancelCommand("c-1") } }
        #expect(transport.requests.count <= 210)
        #expect(took <= 1.5 * 200 / Double(limit) + 5)
    }

    @Test("follows a service that has less room, and then more again")
    func follows() throws {
        let service = BusyService(limit: 20, clock)
        let transport = service.transport
        let client = try client(transport)
        for limit in [20, 4, 20] {
            service.setLimit(limit)
            let before = transport.requests.count
            let took = try seconds { for _ in 1...200 { try client.cancelCommand("c-1") } }
            #expect(transport.requests.count - before <= 222)
            #expect(took <= 1.5 * 200 / Double(limit) + 15)
        }
    }

    @Test("holds no call back as long as there are few, and other operations never")
    func fewCalls() throws {
        let transport = FakeTransport([.success(.text("{}"))])
        let client = try client(transport)
        for _ in 1...2 {
            try client.cancelCommand("c-1")
            _ = try client.describeInstanceInformation()
        }
        #expect(clock.sleeps.isEmpty)
    }

    @Test("gets by with a clock that is set back")
    func clockSetBack() throws {
        let transport = BusyService(limit: 5, clock).transport
        let client = try client(transport)
        for _ in 1...10 { try client.cancelCommand("c-1") }
        clock.advance(.seconds(-3_600))
        let took = try seconds { for _ in 1...10 { try client.cancelCommand("c-1") } }
        #expect(took < 30)
    }
}
