import Directory
import Support
import Testing

@Suite("Hosts and pools")
struct HostTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }

    init() throws {
        fixture = try Fixture()
    }

    @Test("a host is as entered, with its keys")
    func entered() throws {
        let keys = [Fixture.key(1), Fixture.key(2)]
        let host = try store.addHost(
            "gpu-1.lab", address: "fd00::1", port: 2_022, keys: keys, at: Fixture.time)
        #expect(
            host == Host(name: "gpu-1.lab", address: "fd00::1", port: 2_022, keys: keys, added: Fixture.time))
        #expect(try store.host("gpu-1.lab") == host)
        #expect(try store.hosts() == [host])
        #expect(try store.findHost("gpu-2") == nil)
    }

    @Test("a host changes its address, its keys and its state")
    func changes() throws {
        try fixture.host("h1", [Fixture.key(1)])
        #expect(try store.setHostAddress("h1.example.org", port: 23, of: "h1").address == "h1.example.org")
        #expect(try store.setHostKeys([Fixture.key(2), Fixture.key(2)], of: "h1").keys == [Fixture.key(2)])
        #expect(try store.setHostState(.disabled, of: "h1").state == .disabled)
        #expect(try store.host("h1").port == 23)
    }

    private static let instance = HostInstance(
        id: "i-0123456789abcdef0", region: "eu-central-1", state: .running, lastSeen: Fixture.time,
        platform: "Debian GNU/Linux 12", taggedPool: "communal", isAgentOnline: true,
        otherKeys: [Fixture.key(1).fingerprint, Fixture.key(2).fingerprint])

    @Test("a host is an instance, or is none any more; its accounts go over SSM then")
    func instance() throws {
        let host = try store.addHost(
            "h1", address: "10.0.0.1", keys: [], instance: Self.instance, accounts: .local, at: Fixture.time)
        #expect(host.instance == Self.instance)
        #expect(try store.hosts() == [host])
        #expect(host.accountRoute == .local)
        var change = HostChange()
        change.accounts = .automatic
        #expect(try store.changeHost("h1", change).accountRoute == .ssm)
        change = HostChange()
        change.instance = HostInstance(id: "i-01234567")
        (change.address, change.port) = ("10.0.0.2", 23)
        let changed = try store.changeHost("h1", change)
        #expect(changed.instance == HostInstance(id: "i-01234567", state: .unknown))
        #expect(changed.address == "10.0.0.2" && changed.port == 23 && changed.accounts == .automatic)
        change = HostChange()
        change.instance = .some(nil)
        #expect(try store.changeHost("h1", change).accountRoute == .ssh)
        #expect(try store.host("h1").address == "10.0.0.2")
    }

    @Test("sessions may be led through Session Manager to an instance, and to nothing else")
    func transport() throws {
        let host = try store.addHost("h1", address: "10.0.0.1", keys: [], instance: Self.instance)
        #expect(host.transport == .automatic && host.tunnelInstance == Self.instance)
        var change = HostChange()
        change.transport = .direct
        #expect(try store.changeHost("h1", change).tunnelInstance == nil)
        change.transport = .ssm
        #expect(try store.changeHost("h1", change).tunnelInstance == Self.instance)
        #expect(try store.hosts().map(\.transport) == [.ssm])
        try fixture.host("h2")
        try fixture.refuses(.invalidInstance) { try store.changeHost("h2", change) }
        try fixture.refuses(.invalidInstance) {
            try store.addHost("h3", address: "10.0.0.3", keys: [], transport: .ssm)
        }
        #expect(try store.hosts().map(\.name) == ["h1", "h2"])
    }

    @Test("accounts are made over Systems Manager on an instance, and on nothing else")
    func accountsOverSystemsManager() throws {
        try fixture.host("h2")
        var change = HostChange()
        change.accounts = .ssm
        try fixture.refuses(.invalidInstance) { try store.changeHost("h2", change) }
        #expect(try store.host("h2").accounts == .automatic)
        try fixture.refuses(.invalidInstance) {
            try store.addHost("h3", address: "10.0.0.3", keys: [], accounts: .ssm)
        }
        change.instance = Self.instance
        #expect(try store.changeHost("h2", change).accounts == .ssm)
        var none = HostChange()
        none.instance = .some(nil)
        try fixture.refuses(.invalidInstance) { try store.changeHost("h2", none) }
        none.accounts = .automatic
        #expect(try store.changeHost("h2", none).accountRoute == .ssh)
    }

    @Test("an instance is one host, until that is forgotten")
    func oneHost() throws {
        try store.addHost("h1", address: "10.0.0.1", keys: [], instance: Self.instance)
        try fixture.host("h2")
        var change = HostChange()
        change.accounts = .local
        change.instance = HostInstance(id: Self.instance.id)
        try fixture.refuses(.nameTaken) { try store.changeHost("h2", change) }
        try fixture.refuses(.nameTaken) {
            try store.addHost("h3", address: "10.0.0.1", keys: [], instance: Self.instance)
        }
        try store.removeHost("h1")
        #expect(try store.changeHost("h2", change).instance?.id == Self.instance.id)
    }

    @Test(
        "what is no instance is refused",
        arguments: [
            ("", nil), ("i-", nil), ("i-0123456", nil), ("i-0123456789abcdef01", nil), ("i-0123456G", nil),
            ("I-01234567", nil), ("i-01234567\n", nil), ("mi-01234567", nil), ("i-01234567", ""),
            ("i-01234567", "eu central"), ("i-01234567", "eu-"), ("i-01234567", "evil.example.org"),
        ] as [(String, String?)])
    func badInstances(_ id: String, _ region: String?) throws {
        try fixture.refuses(.invalidInstance) {
            try store.addHost(
                "h1", address: "10.0.0.1", keys: [], instance: HostInstance(id: id, region: region))
        }
    }

    @Test(
        "names of the right form are taken",
        arguments: ["a", "1", "h.x-y", "0a.b", String(repeating: "a", count: 63)])
    func goodNames(_ name: String) throws {
        #expect(try fixture.host(name).name == name)
    }

    @Test(
        "names of another form are refused",
        arguments: [
            "", "-a", ".a", "A", "a_b", "a+b", "a/b", "a b", "ä", "a\n", String(repeating: "a", count: 64),
        ])
    func badNames(_ name: String) throws {
        try fixture.refuses(.invalidName) { try fixture.host(name) }
        try fixture.refuses(.invalidName) { try store.addPool(name) }
    }

    @Test("the gateway's own name is reserved")
    func gate() throws {
        try fixture.refuses(.reservedName) { try fixture.host("gate") }
        try fixture.refuses(.reservedName) { try store.addPool("gate") }
    }

    @Test("hosts and pools share names")
    func takenNames() throws {
        try fixture.host("h1")
        try store.addPool("p1")
        for name in ["h1", "p1"] {
            try fixture.refuses(.nameTaken) { try fixture.host(name) }
            try fixture.refuses(.nameTaken) { try store.addPool(name) }
        }
    }

    @Test(
        "addresses are names and numbers",
        arguments: ["h1", "h.example.org", "10.0.0.1", "::1", "i-0abc", "my_host"])
    func goodAddresses(_ address: String) throws {
        #expect(try store.addHost("h1", address: address, keys: []).address == address)
    }

    @Test(
        "other addresses are refused",
        arguments: [
            "", "-oProxyCommand=x", "a b", "[::1]", "::g", "a:22", "a/b", "a\n", ".a", "a..b", "::1\u{0}",
            String(repeating: "a", count: 254),
        ])
    func badAddresses(_ address: String) throws {
        try fixture.refuses(.invalidAddress) { try store.addHost("h1", address: address, keys: []) }
        try fixture.host("h2")
        try fixture.refuses(.invalidAddress) { try store.setHostAddress(address, port: 22, of: "h2") }
    }

    @Test("port 0 is refused")
    func portZero() throws {
        try fixture.refuses(.invalidAddress) { try store.addHost("h1", address: "h1", port: 0, keys: []) }
    }

    @Test("pools are joined and left, all together or not at all")
    func pools() throws {
        for name in ["h1", "h2", "h3"] { try fixture.host(name) }
        try store.addPool("communal", at: Fixture.time)
        #expect(try store.join(["h2", "h1"], to: "communal").hosts == ["h1", "h2"])
        #expect(try store.join(["h1"], to: "communal").hosts == ["h1", "h2"])
        try fixture.refuses(.notFound) { try store.join(["h3", "h9"], to: "communal") }
        try fixture.refuses(.notFound) { try store.leave(["h1", "h3"], from: "communal") }
        #expect(try store.leave(["h1"], from: "communal").hosts == ["h2"])
        #expect(try store.pools() == [Pool(name: "communal", hosts: ["h2"], created: Fixture.time)])
        #expect(try store.findPool("h1") == nil)
    }

    @Test("who goes takes their grants and places along")
    func removal() throws {
        try fixture.user("alice")
        try fixture.host("h1")
        try fixture.host("h2")
        try store.addPool("p1")
        try store.join(["h1", "h2"], to: "p1")
        let onHost = try store.addGrant(.user("alice"), to: .host("h1"))
        let onPool = try store.addGrant(.user("alice"), to: .pool("p1"))
        try store.removeHost("h1")
        #expect(try store.pool("p1").hosts == ["h2"])
        #expect(try store.grants() == [onPool])
        try store.removePool("p1")
        #expect(try store.grants().isEmpty)
        #expect(try store.hosts().map(\.name) == ["h2"])
        // The name is free again, and nobody gets in by an old grant.
        try fixture.host("h1")
        #expect(try store.access(of: "alice", to: "h1") == nil)
        #expect(try store.addGrant(.user("alice"), to: .host("h1")).id > max(onHost.id, onPool.id))
    }

    @Test("what is not there is not found")
    func notFound() throws {
        try fixture.host("h1")
        try store.addPool("p1")
        for attempt: () throws -> Void in [
            { _ = try store.host("x") }, { _ = try store.host("p1") }, { _ = try store.pool("h1") },
            { try store.removeHost("p1") }, { try store.removePool("h1") },
            { try store.setHostKeys([], of: "x") },
            { try store.setHostAddress("a", port: 1, of: "x") }, { try store.setHostState(.active, of: "x") },
            { try store.join(["p1"], to: "p1") }, { try store.join([], to: "h1") },
            { try store.leave([], from: "x") }, { _ = try store.accountHolders(on: "p1") },
        ] {
            try fixture.refuses(.notFound, attempt)
        }
    }
}
