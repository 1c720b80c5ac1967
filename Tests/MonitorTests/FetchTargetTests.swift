import Directory
import Monitor
import Support
import Testing

@Suite("Hosts from which the gateway fetches")
struct FetchTargetTests {
    private static let time = Timestamp(milliseconds: 0)

    private func host(
        _ name: String, _ state: HostState = .active, _ instance: InstanceState? = nil, drained: Bool = false
    ) -> Host {
        Host(
            name: name, address: "10.0.0.1", keys: [], state: state,
            instance: instance.map { HostInstance(id: "i-1", region: nil, state: $0) },
            drain: drained ? HostDrain(since: Self.time) : nil, added: Self.time)
    }

    private func key(of host: String, fetched: Bool = true) -> WatchKey {
        WatchKey(
            host: host, material: KeyMaterial(type: "ssh-ed25519", blob: [1], fingerprint: "x"),
            installed: Self.time, isFetched: fetched)
    }

    @Test("those that are up or being drained; none that is disabled or asleep, or brings it itself")
    func wanted() {
        let hosts = [
            host("plain"), host("running", .active, .running), host("drained", drained: true),
            host("pending", .active, .pending), host("disabled", .disabled),
            host("asleep", .active, .stopped), host("ending", .active, .stopping), host("bringing"),
            host("unwatched"),
        ]
        let keys =
            hosts.map(\.name).filter { $0 != "unwatched" }.map { key(of: $0, fetched: $0 != "bringing") }
            + [key(of: "removed")]
        let wanted = FetchTarget.wanted(of: hosts, keys: keys)
        #expect(wanted.keys.sorted() == ["drained", "pending", "plain", "running"])
        #expect(wanted["drained"] == FetchTarget(host: hosts[2], key: keys[2]))
    }
}
