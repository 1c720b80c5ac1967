import Directory
import Monitor
import Routing
import Support
import Testing

@Suite("Which hosts are probed")
struct HostHealthTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let interval = Duration.seconds(15)

    private func host(_ name: String, _ state: InstanceState? = nil) -> Host {
        Host(
            name: name, address: "192.0.2.1", keys: [],
            instance: state.map { HostInstance(id: "i-\(name)", state: $0) },
            transport: .direct, added: Timestamp(milliseconds: 0))
    }

    private func take(
        _ health: inout HostHealth, _ hosts: [Host], waking: Set<String> = [], at second: Int64
    ) -> [String] {
        health.takeProbes(
            of: hosts, members: Set(hosts.map(\.name)), waking: waking, interval: Self.interval,
            at: Self.start + .seconds(second)
        ).map(\.name)
    }

    private func fail(_ health: inout HostHealth, _ host: String, times: Int = 3) {
        for _ in 0..<times { _ = health.noteFailure(of: host, "no", at: Self.start) }
    }

    @Test("a slow one is asked once at a time, and keeps the others waiting for nothing")
    func slow() {
        var health = HostHealth()
        let hosts = [host("fast"), host("slow")]
        #expect(take(&health, hosts, at: 0) == ["fast", "slow"])
        for second in Int64(1)...60 {
            let taken = take(&health, hosts, at: second)
            #expect(!taken.contains("slow"))
            if second == 1 || taken == ["fast"] {
                _ = health.noteAnswer(of: "fast", isDirect: true, at: Self.start + .seconds(second))
                health.endProbe(of: "fast")
            }
            #expect(taken.isEmpty == ![16, 31, 46].contains(second))
        }
        fail(&health, "slow", times: 1)
        health.endProbe(of: "slow")
        #expect(take(&health, [hosts[1]], at: 61) == ["slow"])
    }

    @Test("one that has failed is asked as its breaker says")
    func failing() {
        var health = HostHealth()
        let hosts = [host("a")]
        fail(&health, "a")
        #expect(health.failing == ["a"])
        #expect(take(&health, hosts, at: 4) == [])
        #expect(take(&health, hosts, at: 5) == ["a"])
        let isBack = health.noteAnswer(of: "a", isDirect: true, at: Self.start)
        #expect(isBack)
        health.endProbe(of: "a")
        #expect(health.failing == [])
    }

    @Test("where keys could not be exchanged, only an exchange of keys says that it is well")
    func breaksOff() {
        var health = HostHealth()
        for number in 1...3 {
            // Its sshd speaks before each failure.
            let isBack = health.noteAnswer(of: "a", isDirect: true, at: Self.start)
            #expect(!isBack)
            let isNew = health.noteFailure(of: "a", "cut", isHandshake: true, at: Self.start)
            #expect(isNew == (number == 3))
        }
        #expect(health.failing == ["a"] && health.needsHandshake(with: "a"))
        #expect(take(&health, [host("a")], at: 5) == ["a"])
        let spoke = health.noteAnswer(of: "a", isDirect: true, at: Self.start)
        #expect(!spoke && health.failing == ["a"])
        let isBack = health.noteHandshake(with: "a")
        #expect(isBack && health.failing == [] && !health.needsHandshake(with: "a"))
        health.endProbe(of: "a")
        let isUnheardOf = health.noteHandshake(with: "unheard of")
        #expect(!isUnheardOf)
    }

    @Test(
        "one that is down or on its way up is not asked, and what was known of it is forgotten",
        arguments: [
            (InstanceState.stopped, false), (.stopping, false), (.terminated, false), (.pending, false),
            (.running, true), (.stopped, true),
        ])
    func asleep(_ state: InstanceState, _ isWoken: Bool) {
        var health = HostHealth()
        fail(&health, "a")
        health.doubt("b")
        let hosts = [host("a", state), host("b", state)]
        let waking: Set<String> = isWoken ? ["a", "b"] : []
        for second in Int64(0)...200 { #expect(take(&health, hosts, waking: waking, at: second) == []) }
        #expect(health.failing == [])
        #expect(health.breaker(of: "a").reason == nil)
        // Up, it is asked at once.
        #expect(take(&health, [host("a", .running)], at: 201) == ["a"])
    }
}
