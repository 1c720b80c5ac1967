import Directory
import Support
import Testing

@Suite("Inventory sources and what the cloud told")
struct InventoryTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }

    init() throws {
        fixture = try Fixture()
    }

    private static let region = "eu-central-1"
    private static let selection = InstanceSelection(
        tags: [
            .init(key: "Team", value: "lab"), .init(key: "Env", value: "*"), .init(key: "Team", value: "lab"),
        ], poolTag: "gatehouse:pool", naming: .id)

    private func update(
        _ name: String, _ id: String, new isNew: Bool = false, address: String? = nil
    ) -> HostUpdate {
        var update = HostUpdate(
            host: name,
            instance: HostInstance(
                id: id, region: Self.region, state: .running, lastSeen: Fixture.time, address: address))
        update.isNew = isNew
        update.address = address
        return update
    }

    @Test("a selection is remembered once, and forgotten")
    func sources() throws {
        let source = try store.addSource(Self.selection, region: Self.region, at: Fixture.time)
        #expect(source.selection.tags.map(\.key) == ["Env", "Team"])
        #expect(try store.addSource(Self.selection, region: Self.region) == source)
        let elsewhere = try store.addSource(Self.selection, region: "us-east-1", at: Fixture.time)
        let byID = InstanceSelection(instances: ["i-01234567", "i-00000001"])
        let other = try store.addSource(byID, region: Self.region, at: Fixture.time)
        #expect(try store.inventorySources() == [source, elsewhere, other])
        try store.removeSource(elsewhere.id)
        #expect(try store.inventorySources() == [source, other])
        try fixture.refuses(.notFound) { try store.removeSource(elsewhere.id) }
        // An id means one selection for ever.
        #expect(try store.addSource(Self.selection, region: "us-east-1").id == 4)
    }

    @Test(
        "what selects nothing, too much or nonsense is refused",
        arguments: [
            (InstanceSelection(), "invalidField"),
            (InstanceSelection(instances: ["x"]), "invalidInstance"),
            (InstanceSelection(tags: [.init(key: "", value: "x")]), "invalidField"),
            (InstanceSelection(tags: [.init(key: "a\u{1B}", value: "x")]), "invalidField"),
            (
                InstanceSelection(tags: [.init(key: "a", value: String(repeating: "x", count: 257))]),
                "invalidField"
            ),
            (InstanceSelection(poolTag: ""), "invalidField"),
            (
                InstanceSelection(tags: [.init(key: "a", value: "b")], instances: ["i-01234567"]),
                "invalidField"
            ),
            (InstanceSelection(instances: (100...300).map { "i-00000\($0)" }), "invalidField"),
            (InstanceSelection(tags: (1...51).map { .init(key: "k\($0)", value: "") }), "invalidField"),
        ])
    func badSelections(_ selection: InstanceSelection, _ code: String) throws {
        try fixture.refuses(try #require(DirectoryError.Code(rawValue: code))) {
            try store.addSource(selection, region: Self.region)
        }
    }

    @Test("hosts are made, put into pools and moved, all or nothing")
    func take() throws {
        try store.addPool("a")
        var one = update("h1", "i-00000001", new: true, address: "10.0.0.1")
        one.joins = "a"
        var two = update("h2", "i-00000002", new: true, address: "10.0.0.2")
        two.joins = "b"
        var generation = try store.generation()
        #expect(try store.take([one, two], after: generation, at: Fixture.time))
        #expect(try store.generation() == generation + 1)
        #expect(try store.host("h1").instance?.address == "10.0.0.1")
        #expect(try store.host("h1").keys.isEmpty && store.host("h1").added == Fixture.time)
        #expect(try store.pools().map(\.hosts) == [["h1"], ["h2"]])

        try store.setHostKeys([Fixture.key(1)], of: "h1")
        try store.setWatchKey(Fixture.key(2), of: "h1")
        generation = try store.generation()
        var moved = update("h1", "i-00000003", address: "10.0.0.9")
        (moved.leaves, moved.joins, moved.dropsKeys) = ("a", "b", true)
        #expect(try store.take([moved], after: generation))
        #expect(try store.host("h1").keys.isEmpty && store.watchKey(of: "h1") == nil)
        #expect(try store.host("h1").address == "10.0.0.9")
        #expect(try store.pools().map(\.hosts) == [[], ["h1", "h2"]])

        generation = try store.generation()
        try fixture.refuses(.nameTaken) {
            _ = try store.take(
                [
                    update("h2", "i-00000002", address: "10.0.0.8"),
                    update("h3", "i-00000003", new: true, address: "10.0.0.3"),
                ], after: generation)
        }
    }

    @Test("a directory that has changed in between takes nothing in")
    func late() throws {
        let generation = try store.generation()
        try fixture.host("h2")
        let new = update("h1", "i-00000001", new: true, address: "10.0.0.1")
        #expect(try !store.take([new], after: generation))
        #expect(try store.findHost("h1") == nil)
    }

    @Test("when a host was seen is no change of the directory; its state is")
    func sight() throws {
        let first = update("h1", "i-00000001", new: true, address: "10.0.0.1")
        #expect(try store.take([first], after: store.generation()))
        let generation = try store.generation()
        var again = update("h1", "i-00000001", address: "10.0.0.1")
        again.instance.lastSeen = Fixture.time + .seconds(60)
        again.instance.isAgentOnline = true
        #expect(try store.take([again], after: generation))
        #expect(try store.generation() == generation)
        #expect(try store.host("h1").instance == again.instance)
        again.instance.state = .stopped
        #expect(try store.take([again], after: generation))
        #expect(try store.generation() == generation + 1)
    }

    @Test("keys that an instance has are pinned once; others are noted until somebody accepts them")
    func keys() throws {
        let id = "i-00000001"
        let new = update("h1", id, new: true, address: "10.0.0.1")
        #expect(try store.take([new], after: store.generation()))
        let (one, two, three) = (Fixture.key(1), Fixture.key(2), Fixture.key(3))
        #expect(try store.takeHostKeys([one, two], of: "h1", instance: id) == .pinned)
        #expect(try store.host("h1").keys == [one, two])
        // One more is no matter, and is not pinned by itself.
        #expect(try store.takeHostKeys([three, two, one], of: "h1", instance: id) == .confirmed)
        #expect(try store.takeHostKeys([one, three], of: "h1", instance: id) == .different(isNews: true))
        #expect(try store.takeHostKeys([three, one], of: "h1", instance: id) == .different(isNews: false))
        #expect(try store.host("h1").keys == [one, two])
        #expect(try store.host("h1").instance?.otherKeys == [one.fingerprint, three.fingerprint].sorted())
        try store.setHostKeys([one, three], of: "h1")
        #expect(try store.host("h1").instance?.otherKeys == [])
        #expect(try store.takeHostKeys([two], of: "h1", instance: id) == .different(isNews: true))
        #expect(try store.takeHostKeys([one, three], of: "h1", instance: id) == .confirmed)
        #expect(try store.host("h1").instance?.otherKeys == [])
        #expect(try store.takeHostKeys([one], of: "h1", instance: "i-00000002") == .outdated)
        #expect(try store.takeHostKeys([one], of: "h9", instance: id) == .outdated)
    }

    @Test("who removes a host is remembered until the instance is named again")
    func removal() throws {
        let new = update("h1", "i-00000001", new: true, address: "10.0.0.1")
        #expect(try store.take([new], after: store.generation()))
        try store.removeHost("h1")
        #expect(try store.inventoryView().removed == ["i-00000001": "h1"])
        try store.addSource(Self.selection, region: Self.region)
        #expect(try store.inventoryView().removed.count == 1)
        try store.addSource(InstanceSelection(instances: ["i-00000001"]), region: Self.region)
        #expect(try store.inventoryView().removed.isEmpty)
    }

    @Test("export and import keep sources and removed hosts")
    func roundTrip() throws {
        try store.addSource(Self.selection, region: Self.region, at: Fixture.time)
        try store.addSource(
            InstanceSelection(instances: ["i-00000001"]), region: Self.region, at: Fixture.time)
        let new = update("h1", "i-00000001", new: true, address: "10.0.0.1")
        #expect(try store.take([new], after: store.generation(), at: Fixture.time))
        let json = try store.exportJSON()
        try store.removeHost("h1")
        let copy = try Fixture()
        try copy.store.importJSON(json)
        #expect(try copy.store.exportJSON() == json)
        #expect(try copy.store.hosts().first?.instance == new.instance)
        let after = try store.exportJSON()
        let second = try Fixture()
        try second.store.importJSON(after)
        #expect(try second.store.exportJSON() == after)
        #expect(try second.store.inventoryView().removed == ["i-00000001": "h1"])
        #expect(
            try second.store.inventorySources().map(\.selection) == store.inventorySources().map(\.selection))
        // A host that is there was not removed.
        try copy.store.importJSON(
            Array(#"{"schema": 1, "removedInstances": [{"instance": "i-00000001", "host": "x"}]}"#.utf8))
        #expect(try copy.store.inventoryView().removed.isEmpty)
    }

    @Test(
        "an import refuses what is no source",
        arguments: [
            (#""inventory": [{"region": "x y", "tags": [{"key": "a", "value": "b"}]}]"#, "invalidInstance"),
            (#""inventory": [{"region": "eu-west-1"}]"#, "invalidField"),
            (
                #""inventory": [{"region": "eu-west-1", "instances": ["i-00000001"], "names": "odd"}]"#,
                "invalidField"
            ),
            (#""removedInstances": [{"instance": "x", "host": "h"}]"#, "invalidInstance"),
        ])
    func badDocuments(_ body: String, _ code: String) throws {
        try fixture.refuses(try #require(DirectoryError.Code(rawValue: code))) {
            try store.importJSON(Array("{\"schema\": 1, \(body)}".utf8))
        }
    }
}
