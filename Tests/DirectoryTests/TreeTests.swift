import Directory
import Testing

@Suite("Trees and watchers")
struct TreeTests {
    private let fixture: Fixture
    private var store: DirectoryStore { fixture.store }

    init() throws {
        fixture = try Fixture()
        for (number, name) in ["h1", "h2", "h3"].enumerated() {
            try fixture.host(name, [Fixture.key(UInt8(number + 1))])
        }
        try store.addPool("pool", at: Fixture.time)
        try store.join(["h2", "h3"], to: "pool")
        try fixture.group("lab")
    }

    @Test("a tree is as entered, on its hosts and those of its pools")
    func entered() throws {
        let tree = try store.addTree(
            NewTree("/shared/lab", group: "lab", targets: ["pool", "h1"], scanner: "h2"), at: Fixture.time)
        #expect(tree.group?.name == "lab")
        #expect(tree.targets == ["h1", "pool"])
        #expect(tree.hosts == ["h1", "h2", "h3"])
        #expect(tree.scanner == "h2")
        #expect(try store.trees() == [tree])
        #expect(try store.trees(on: "h3") == [tree])
    }

    @Test("a tree follows its pool, and its scanner is a host that has it")
    func followsPool() throws {
        try store.addTree(NewTree("/shared/lab", targets: ["pool"], scanner: "h3"), at: Fixture.time)
        try store.leave(["h3"], from: "pool")
        try store.join(["h1"], to: "pool")
        #expect(try store.tree("/shared/lab").hosts == ["h1", "h2"])
        #expect(try store.tree("/shared/lab").scanner == "h1")
        try store.removeHost("h1")
        try store.removePool("pool")
        #expect(try store.tree("/shared/lab").scanner == nil)
    }

    @Test(
        "a path that is not plain is refused",
        arguments: [
            "", "/", "shared", "/shared/", "//shared", "/a/../b", "/a/./b", "/a\n",
            "/" + String(repeating: "a", count: 1_024),
        ])
    func badPaths(_ path: String) throws {
        try fixture.refuses(.invalidField) { try store.addTree(NewTree(path, targets: ["h1"])) }
    }

    @Test("trees do not lie in each other", arguments: ["/a/b", "/a/b/c", "/a"])
    func nested(_ path: String) throws {
        try store.addTree(NewTree("/a/b", targets: ["h1"]))
        try fixture.refuses(.nameTaken) { try store.addTree(NewTree(path, targets: ["h1"])) }
        try store.addTree(NewTree("/a/bc", targets: ["h1"]))
    }

    @Test("what a tree names must be there")
    func missing() throws {
        try fixture.refuses(.notFound) { try store.addTree(NewTree("/a", group: "no", targets: ["h1"])) }
        try fixture.refuses(.notFound) { try store.addTree(NewTree("/a", targets: ["no"])) }
        try fixture.refuses(.invalidField) { try store.addTree(NewTree("/a", targets: [])) }
        try fixture.refuses(.conflict) {
            try store.addTree(NewTree("/a", targets: ["pool"], scanner: "h1"))
        }
        try fixture.refuses(.notFound) { try store.removeTree("/a") }
    }

    @Test("the tree of a path is found")
    func holding() throws {
        let tree = try store.addTree(NewTree("/a/b", targets: ["h1"]))
        #expect(try store.tree(holding: "/a/b/c/d") == tree)
        #expect(try store.tree(holding: "/a/b") == tree)
        #expect(try store.tree(holding: "/a/bc") == nil)
    }

    @Test("a group that is removed leaves its trees")
    func removedGroup() throws {
        try store.addTree(NewTree("/a", group: "lab", targets: ["h1"]))
        try store.removeGroup("lab")
        #expect(try store.tree("/a").group == nil)
    }

    @Test("a watcher has one key, which is nobody else's")
    func watchers() throws {
        try store.setWatchKey(Fixture.key(9), of: "h1", at: Fixture.time)
        try store.setWatchKey(Fixture.key(10), of: "h1", at: Fixture.time)
        #expect(try store.watchKey(of: "h1")?.material == Fixture.key(10))
        try fixture.refuses(.keyTaken) { try store.setWatchKey(Fixture.key(10), of: "h2") }
        try fixture.user("alice")
        try store.addKey(Fixture.key(11), to: "alice")
        try fixture.refuses(.keyTaken) { try store.setWatchKey(Fixture.key(11), of: "h2") }
        try store.removeWatchKey(of: "h1")
        try fixture.refuses(.notFound) { try store.removeWatchKey(of: "h1") }
        try store.setWatchKey(Fixture.key(10), of: "h2")
        try store.removeHost("h2")
        #expect(try store.watchKeys() == [])
    }

    @Test("what is fetched stays so until another is said, with another key too")
    func fetched() throws {
        try store.setWatchKey(Fixture.key(9), of: "h1")
        #expect(try store.watchKey(of: "h1")?.isFetched == false)
        try store.setWatchKey(Fixture.key(9), of: "h1", isFetched: true)
        try store.setWatchKey(Fixture.key(9), of: "h1")
        #expect(try store.watchKey(of: "h1")?.isFetched == true)
        try store.setWatchKey(Fixture.key(10), of: "h1")
        #expect(try store.watchKeys().map(\.isFetched) == [true])
        try store.setWatchKey(Fixture.key(10), of: "h1", isFetched: false)
        #expect(try store.watchKey(of: "h1")?.isFetched == false)
    }

    @Test("trees and watchers survive an export and an import")
    func exported() throws {
        try store.addTree(
            NewTree("/shared/lab", group: "lab", targets: ["pool", "h1"], scanner: "h2"), at: Fixture.time)
        try store.addTree(NewTree("/home", targets: ["h3"]), at: Fixture.time)
        try store.setWatchKey(Fixture.key(9), of: "h1", at: Fixture.time)
        try store.setWatchKey(Fixture.key(10), of: "h2", isFetched: true, at: Fixture.time)
        let other = try Fixture()
        let document = try store.exportJSON()
        try other.store.importJSON(document)
        #expect(try other.store.exportJSON() == document)
        try other.store.importJSON(document)
        #expect(try other.store.watchKeys().map(\.isFetched) == [false, true])
        try other.store.setWatchKey(Fixture.key(10), of: "h2", isFetched: false)
        try other.refuses(.conflict) { try other.store.importJSON(document) }
        try other.store.setWatchKey(Fixture.key(10), of: "h2", isFetched: true)
        try other.store.setTree("/home", scanner: "h3")
        try other.refuses(.conflict) {
            var changed = String(decoding: document, as: UTF8.self)
            changed.replace(#""scanner" : "h2""#, with: #""scanner" : "h3""#)
            try other.store.importJSON(Array(changed.utf8))
        }
    }
}
