import Directory
import SQLite
import Support
import TestSupport
import Testing

@Suite("hosts that are stopped when nobody uses them")
struct IdleHostTests {
    private static let now = Fixture.time

    private let fixture: Fixture
    private let store: DirectoryStore

    init() throws {
        fixture = try Fixture()
        store = fixture.store
    }

    private static func later(_ seconds: Int64) -> Timestamp { now + .seconds(seconds) }

    private func addHost(
        _ name: String, _ state: InstanceState = .running, accounts: AccountRoute = .automatic
    ) throws {
        let digits = String(name.unicodeScalars.reduce(0) { $0 * 31 + UInt64($1.value) }, radix: 16)
        let id = "i-" + String(repeating: "0", count: 17 - digits.count) + digits
        try store.addHost(
            name, address: "10.0.0.1", keys: [], instance: HostInstance(id: id, state: state),
            accounts: accounts, at: Self.now)
    }

    // MARK: Keeps

    @Test("nobody takes back or shortens what another wants")
    func others() throws {
        try addHost("c1")
        let operators = HostKeep(until: Self.later(1_000), who: "the operator")
        try store.setKeep(operators, of: "c1")
        #expect(try keep(500, by: "alice") == .refused(operators))
        #expect(try keep(nil, by: "alice") == .refused(operators))
        #expect(try store.keep(of: "c1", at: Self.now) == operators)
        // As long, or longer, and back again: the operator's stays.
        #expect(try keep(1_000, by: "alice") == .done(others: operators))
        #expect(try keep(2_000, by: "alice") == .done(others: operators))
        #expect(
            try store.keep(of: "c1", at: Self.now) == HostKeep(until: Self.later(2_000), who: "alice"))
        #expect(try keep(nil, by: "alice") == .done(others: operators))
        #expect(try store.keep(of: "c1", at: Self.now) == operators)
    }

    @Test("one's own may be shortened, lengthened and taken back, also twice")
    func own() throws {
        try addHost("c1")
        for seconds in [500, 1_000, 200] as [Int64] {
            #expect(try keep(seconds, by: "alice") == .done(others: nil))
            #expect(
                try store.keep(of: "c1", at: Self.now) == HostKeep(until: Self.later(seconds), who: "alice"))
        }
        #expect(try keep(nil, by: "alice") == .done(others: nil))
        #expect(try keep(nil, by: "alice") == .done(others: nil))
        #expect(try store.keep(of: "c1", at: Self.now) == nil)
    }

    @Test("a keep that is over is in nobody's way")
    func over() throws {
        try addHost("c1")
        #expect(try keep(500, by: "bob") == .done(others: nil))
        let outcome = try store.setKeep(until: nil, by: "alice", of: "c1", at: Self.later(500))
        #expect(outcome == .done(others: nil))
        #expect(try store.keep(of: "c1", at: Self.now) == nil)
    }

    @Test("the operator's word replaces all others'")
    func operators() throws {
        try addHost("c1")
        _ = try keep(500, by: "alice")
        _ = try keep(600, by: "bob")
        let operators = HostKeep(until: Self.later(100), who: "ada")
        try store.setKeep(operators, of: "c1")
        #expect(try store.keep(of: "c1", at: Self.now) == operators)
        try store.setKeep(nil, of: "c1")
        #expect(try store.keep(of: "c1", at: Self.now) == nil)
        try fixture.refuses(.notFound) { _ = try keep(5, by: "alice", of: "c2") }
    }

    @Test("a keep of the former schema is kept")
    func migration() throws {
        let path = fixture.folder.file
        try addHost("c1")
        let database = try Database(path: path)
        try database.execute(
            """
            DELETE FROM migration WHERE module = 'directory' AND version = 10;
            DROP TABLE host_keeps;
            CREATE TABLE host_keeps (
                host TEXT PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
                until INTEGER NOT NULL,
                who TEXT NOT NULL
            );
            INSERT INTO host_keeps VALUES ('c1', \(Self.later(500).milliseconds), 'alice');
            """)
        let later = try DirectoryStore(path: path)
        #expect(try later.keep(of: "c1", at: Self.now) == HostKeep(until: Self.later(500), who: "alice"))
        try later.removeHost("c1")
        #expect(try later.keep(of: "c1", at: Self.now) == nil)
    }

    private func keep(_ seconds: Int64?, by person: String, of host: String = "c1") throws -> KeepOutcome {
        try store.setKeep(until: seconds.map(Self.later), by: person, of: host, at: Self.now)
    }

    // MARK: Which hosts

    @Test("are instances with a policy that are not down, and never the gateway's own machine")
    func which() throws {
        #expect(try store.idleHosts().hosts.isEmpty)
        try addHost("up")
        try addHost("own")
        try addHost("never")
        try addHost("none")
        try addHost("down", .stopped)
        try addHost("gateway", accounts: .local)
        try store.addHost("box", address: "10.0.0.2", keys: [], at: Self.now)
        try store.addPool("gpus", at: Self.now)
        try store.addPool("slow", at: Self.now)
        try store.join(["up", "own", "never", "down", "gateway", "box"], to: "gpus")
        try store.join(["up"], to: "slow")
        try store.setIdlePolicy(.seconds(60), ofPool: "gpus")
        try store.setIdlePolicy(.seconds(90), ofPool: "slow")
        var change = HostChange()
        change.idleStop = .some(.seconds(30))
        try store.changeHost("own", change)
        change.idleStop = .some(.zero)
        try store.changeHost("never", change)
        _ = try keep(500, by: "alice", of: "own")
        _ = try keep(600, by: "bob", of: "own")
        let (generation, hosts) = try store.idleHosts()
        #expect(try generation == store.generation())
        #expect(hosts.map(\.host.name) == ["own", "up"])
        #expect(hosts.map(\.interval) == [.seconds(30), .seconds(90)])
        #expect(hosts.map(\.keptUntil) == [Self.later(600), nil])
        for host in hosts {
            #expect(try store.idlePolicy(of: host.host.name)?.interval == host.interval)
        }
    }

    @Test("all that decides about them is a change that counts")
    func generations() throws {
        try addHost("c1")
        try store.addPool("gpus", at: Self.now)
        var generation = try store.generation()
        func counts(_ body: () throws -> Void, _ line: Int = #line) throws {
            try body()
            let after = try store.generation()
            #expect(after > generation, "line \(line)")
            generation = after
        }
        try counts { try store.join(["c1"], to: "gpus") }
        try counts { try store.setIdlePolicy(.seconds(60), ofPool: "gpus") }
        try counts { _ = try keep(60, by: "alice") }
        try counts { try store.setKeep(nil, of: "c1") }
        try counts { try store.setIdlePolicy(nil, ofPool: "gpus") }
        var change = HostChange()
        change.accounts = .local
        try counts { try store.changeHost("c1", change) }
        try counts {
            var instance = try #require(store.host("c1").instance)
            instance.state = .stopped
            let update = HostUpdate(host: "c1", instance: instance)
            #expect(try store.take([update], after: generation, at: Self.now))
        }
    }
}
