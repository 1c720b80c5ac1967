import Collector
import FileEvents
import Testing

@Suite("A batch of file events")
struct BatchTests {
    private static let handle = FileHandle(fileSystem: 1, type: 1, bytes: [1])
    private typealias Mask = FileNotice.Mask

    private static func change(_ name: String, _ mask: UInt64, pid: UInt32 = 1) -> NameChange {
        NameChange(tree: 0, directory: [], name: Array(name.utf8), handle: handle, mask: mask, pid: pid)
    }

    private static func rename(_ old: String, _ new: String, pid: UInt32 = 1) -> NameChange {
        var change = change(old, Mask.rename, pid: pid)
        change.destination = .init(directory: [], name: Array(new.utf8), handle: handle)
        return change
    }

    private func kinds(_ batch: Batch) -> [String] {
        batch.changes.map { change in
            let kind = change.kind(stat: nil, now: 0).map { "\($0)" } ?? "nothing"
            return "\(kind) \(String(decoding: change.name, as: UTF8.self)) by \(change.pid) x\(change.count)"
        }
    }

    @Test("makes one change of what one process does to one name")
    func coalesces() {
        var batch = Batch()
        for mask in [Mask.create, Mask.modify, Mask.closeWrite, Mask.attributes] {
            batch.add(Self.change("a", mask))
        }
        batch.add(Self.change("a", Mask.modify, pid: 2))
        batch.add(Self.change("b", Mask.modify))
        #expect(kinds(batch) == ["created a by 1 x4", "written a by 2 x1", "written b by 1 x1"])
    }

    @Test("keeps files apart that have a name one after the other")
    func deletions() {
        var batch = Batch()
        batch.add(Self.change("a", Mask.create))
        batch.add(Self.change("a", Mask.delete))
        batch.add(Self.change("a", Mask.create))
        #expect(kinds(batch) == ["deleted a by 1 x2", "created a by 1 x1"])
        batch.removeAll()
        batch.add(Self.change("a", Mask.create))
        batch.add(Self.change("a", Mask.delete, pid: 2))
        batch.add(Self.change("a", Mask.create))
        #expect(kinds(batch) == ["created a by 1 x1", "deleted a by 2 x1", "created a by 1 x1"])
    }

    @Test("keeps renames in their order")
    func renames() {
        var batch = Batch()
        batch.add(Self.change("a", Mask.create))
        batch.addRename(Self.rename("a", "b", pid: 2))
        batch.add(Self.change("a", Mask.create))
        batch.add(Self.change("b", Mask.modify))
        batch.addRename(Self.rename("a", "b"))
        batch.add(Self.change("b", Mask.modify))
        #expect(
            kinds(batch) == [
                "created a by 1 x1", "renamed a by 2 x1", "created a by 1 x1", "written b by 1 x1",
                "renamed a by 1 x1", "written b by 1 x1",
            ])
    }

    private static func stat(links: UInt32 = 1, modified: Int64 = 0) -> FileStat {
        FileStat(
            inode: 1, mode: 0o100644, uid: 0, gid: 0, links: links, size: 0, blocks: 0, modified: modified,
            changed: modified)
    }

    @Test(
        "says what a change is",
        arguments: [
            (Mask.create, stat(), FileEvent.Kind.created),
            (Mask.create | Mask.modify | Mask.closeWrite, stat(), .created),
            (Mask.create, stat(links: 2), .linked),
            (Mask.create | Mask.directory, stat(links: 2), .directoryCreated),
            (Mask.delete, nil, .deleted), (Mask.delete | Mask.directory, nil, .directoryDeleted),
            (Mask.create | Mask.delete, nil, .deleted), (Mask.create | Mask.delete, stat(), .created),
            (Mask.delete, stat(), .deleted),
            (Mask.modify, stat(), .written), (Mask.modify | Mask.attributes, stat(), .written),
            (Mask.attributes, stat(), .modeChanged), (Mask.attributes | Mask.directory, stat(), .modeChanged),
            (Mask.closeWrite, stat(modified: 9_000_000_000), .written),
            (Mask.closeWrite, stat(modified: 1), nil), (Mask.closeWrite, nil, nil),
            (Mask.closeWrite | Mask.attributes, stat(modified: 9_000_000_000), .modeChanged),
        ] as [(UInt64, FileStat?, FileEvent.Kind?)])
    func kinds(_ mask: UInt64, _ stat: FileStat?, _ kind: FileEvent.Kind?) {
        #expect(Self.change("a", mask).kind(stat: stat, now: 10_000_000_000) == kind)
    }
}

@Suite("The cache of directories")
struct DirectoryCacheTests {
    private static func handle(_ number: UInt8) -> FileHandle {
        FileHandle(fileSystem: 1, type: 1, bytes: [number])
    }

    private static func inside(_ path: String) -> DirectoryCache.Location {
        .inside(tree: 0, path: Array(path.utf8))
    }

    private func location(_ number: UInt8, _ cache: inout DirectoryCache) -> DirectoryCache.Location {
        cache.location(of: Self.handle(number)) { _ in
            Issue.record("it should be known")
            return .gone
        }
    }

    @Test("follows a directory and all below it through renames")
    func renames() {
        var cache = DirectoryCache()
        for (number, path) in [(UInt8(1), "a"), (2, "a/b"), (3, "a/b/c"), (4, "ab"), (5, "")] {
            cache.add(Self.handle(number), at: Self.inside(path))
        }
        cache.rename(Self.handle(2), from: Self.inside("a/b"), to: Self.inside("x"))
        cache.rename(Self.handle(1), from: Self.inside("a"), to: Self.inside("x/a"))
        #expect(location(1, &cache) == Self.inside("x/a"))
        #expect(location(2, &cache) == Self.inside("x"))
        #expect(location(3, &cache) == Self.inside("x/c"))
        #expect(location(4, &cache) == Self.inside("ab"))
        #expect(location(5, &cache) == Self.inside(""))
        cache.rename(Self.handle(2), from: Self.inside("x"), to: .outside)
        #expect(location(3, &cache) == .outside)
        #expect(location(1, &cache) == .outside)
    }

    @Test("does not rename twice what was asked for after the rename")
    func askedLater() {
        var cache = DirectoryCache()
        let found = cache.location(of: Self.handle(1)) { _ in Self.inside("a/b") }
        #expect(found == Self.inside("a/b"))
        cache.rename(nil, from: Self.inside("a"), to: Self.inside("z"))
        #expect(location(1, &cache) == Self.inside("a/b"))
        cache.endBatch()
        cache.rename(nil, from: Self.inside("a"), to: Self.inside("z"))
        #expect(location(1, &cache) == Self.inside("z/b"))
    }

    @Test("keeps a removed directory until the batch ends")
    func removal() {
        var cache = DirectoryCache()
        cache.add(Self.handle(1), at: Self.inside("a"))
        cache.remove(Self.handle(1))
        #expect(location(1, &cache) == Self.inside("a"))
        cache.endBatch()
        #expect(cache.location(of: Self.handle(1)) { _ in .gone } == .gone)
    }

    @Test("asks again about what was outside when a directory came in")
    func movedIn() {
        var cache = DirectoryCache()
        _ = cache.location(of: Self.handle(1)) { _ in .outside }
        cache.rename(Self.handle(2), from: .outside, to: Self.inside("in"))
        #expect(
            cache.location(of: Self.handle(1)) { _ in Self.inside("in/below") } == Self.inside("in/below"))
        #expect(location(2, &cache) == Self.inside("in"))
    }

    @Test("has an end")
    func bounded() {
        var cache = DirectoryCache()
        for number in 0..<(2 * DirectoryCache.limit) {
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            cache.add(FileHandle(fileSystem: 1, type: 1, bytes: bytes), at: .outside)
        }
        #expect(cache.count <= DirectoryCache.limit)
    }
}

@Suite("Records of logins")
struct SessionRecordTests {
    private static let record = SessionRecord(
        boot: [UInt8](0..<16), loginUID: 1000, user: "alice", pid: 77, session: "01J0",
        connection: .init(
            peerAddress: "2001:db8::1", peerPort: 1, localAddress: "fe80::1%eth0", localPort: 22))

    @Test("are read back")
    func readsBack() {
        #expect(SessionRecord(Array(Self.record.text.utf8)) == Self.record)
        var bare = Self.record
        (bare.session, bare.connection) = (nil, nil)
        #expect(SessionRecord(Array(bare.text.utf8)) == bare)
    }

    @Test("with damage are refused or read, and never end the process")
    func damage() {
        let text = Array(Self.record.text.utf8)
        for index in text.indices {
            for byte in [UInt8(0), 0x0A, 0x20, 0xFF, 0x39] {
                var bytes = text
                bytes[index] = byte
                _ = SessionRecord(bytes)
                _ = SessionRecord(Array(bytes[..<index]))
            }
        }
        #expect(SessionRecord([UInt8](repeating: 0x61, count: SessionRecord.limit + 1)) == nil)
        #expect(SessionRecord(Array("login 1000\n".utf8)) == nil)
    }
}
