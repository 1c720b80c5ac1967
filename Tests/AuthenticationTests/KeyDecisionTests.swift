import Authentication
import Directory
import Support
import Testing

@Suite("A key")
struct KeyDecisionTests {
    private func user(_ name: String, _ uid: UInt32, _ state: UserState = .active) -> User {
        User(uid: uid, name: name, state: state, created: Timestamp(milliseconds: 0))
    }

    private func decide(
        _ login: String, user: User?, holder: User?, from address: String = "192.0.2.7"
    ) -> KeyDecision {
        KeyDecision(
            login: LoginName(login), user: user, holder: holder,
            fingerprint: holder.map { _ in "SHA256:x" }, from: Origin(client: address))
    }

    @Test(
        "of the active user logs in, whatever the target", arguments: ["alice", "alice+gpu1", "alice@gate"])
    func accepted(_ login: String) {
        let alice = user("alice", 20_000)
        #expect(
            decide(login, user: alice, holder: alice) == .accepted(user: alice, fingerprint: "SHA256:x"))
    }

    @Test("of a watcher logs in for its own host, and for nothing else")
    func watcher() {
        let key = WatchKey(
            host: "h1", material: KeyMaterial(type: "ssh-ed25519", blob: [1], fingerprint: "SHA256:x"),
            installed: Timestamp(milliseconds: 0))
        #expect(
            KeyDecision(watcherOf: "h1", key: [1], known: key)
                == .acceptedWatcher(host: "h1", fingerprint: "SHA256:x"))
        #expect(KeyDecision(watcherOf: "h2", key: [1], known: key) == .rejected(.unknownWatcher))
        #expect(KeyDecision(watcherOf: "h1", key: [2], known: key) == .rejected(.unknownWatcher))
        #expect(KeyDecision(watcherOf: "h1", key: [1], known: nil) == .rejected(.unknownWatcher))
        let fetched = WatchKey(host: "h1", material: key.material, installed: key.installed, isFetched: true)
        #expect(KeyDecision(watcherOf: "h1", key: [1], known: fetched) == .rejected(.unknownWatcher))
        #expect(LoginName("gatehouse-watch+h1")?.user == KeyDecision.watcherName)
    }

    @Test("is refused for every other reason")
    func rejected() {
        let alice = user("alice", 20_000)
        let bob = user("bob", 20_001)
        let locked = user("alice", 20_000, .locked)
        let left = user("alice", 20_000, .left)
        #expect(decide("alice+", user: alice, holder: alice) == .rejected(.malformedName))
        #expect(decide("alice", user: nil, holder: alice) == .rejected(.unknownUser))
        #expect(decide("bob", user: alice, holder: alice) == .rejected(.unknownUser))
        #expect(decide("alice", user: alice, holder: nil) == .rejected(.unknownKey))
        #expect(decide("alice", user: alice, holder: bob) == .rejected(.otherUser))
        #expect(decide("alice", user: locked, holder: locked) == .rejected(.locked))
        #expect(decide("alice", user: left, holder: left) == .rejected(.left))
    }

    @Test(
        "of a user who may log in from some networks opens from there, also in the clothes of IPv6",
        arguments: [
            ("192.0.2.7", true), ("::ffff:192.0.2.7", true), ("2001:db8::7%eth0", true),
            ("192.0.3.7", false), ("::192.0.2.7", false), ("2001:db9::7", false), ("nowhere", false),
            ("", false),
        ])
    func networks(_ address: String, _ opens: Bool) throws {
        let alice = User(
            uid: 20_000, name: "alice", networks: try SourceNetworks("192.0.2.0/24,2001:db8::/32"),
            created: Timestamp(milliseconds: 0))
        #expect(
            decide("alice", user: alice, holder: alice, from: address)
                == (opens ? .accepted(user: alice, fingerprint: "SHA256:x") : .rejected(.otherNetwork)))
        let origin = Origin(client: address)
        let person = try? KeyDecision.person(alice, named: LoginName("alice"), from: origin)
        #expect((person != nil) == opens)
    }
}
