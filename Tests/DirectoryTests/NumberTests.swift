import Directory
import SQLite
import Support
import TestSupport
import Testing

@Suite("uids and gids")
struct NumberTests {
    @Test("come one after the other, for users and groups from the same numbers")
    func sequence() throws {
        let fixture = try Fixture()
        #expect(try fixture.user("alice").uid == 20_000)
        #expect(try fixture.group("lab").gid == 20_001)
        #expect(try fixture.user("bob").uid == 20_002)
        #expect(try fixture.store.user("bob").gid == 20_002)
    }

    @Test("are never given out twice, whatever goes away")
    func neverReused() throws {
        let fixture = try Fixture()
        try fixture.user("alice")
        try fixture.group("lab")
        try fixture.store.leaveUser("alice")
        try fixture.store.removeGroup("lab")
        #expect(try fixture.user("bob").uid == 20_002)
        #expect(try fixture.group("team").gid == 20_003)
        let store = fixture.store
        try fixture.refuses(.uidTaken) { _ = try store.addUser(NewUser("dora", uid: 20_000)) }
        try fixture.refuses(.uidTaken) { _ = try store.addUser(NewUser("dora", uid: 20_001)) }
        try fixture.refuses(.gidTaken) { _ = try store.addGroup("staff2", gid: 20_000) }
        try fixture.refuses(.gidTaken) { _ = try store.addGroup("staff2", gid: 20_001) }
    }

    @Test("are remembered by the file, not by the process")
    func reopened() throws {
        let fixture = try Fixture()
        try fixture.user("alice")
        try fixture.store.leaveUser("alice")
        let again = try DirectoryStore(path: fixture.folder.file, uidRange: 20_000...20_099)
        #expect(try again.addUser(NewUser("bob")).uid == 20_001)
    }

    @Test("may be chosen within the range, and are skipped later")
    func chosen() throws {
        let fixture = try Fixture()
        #expect(try fixture.store.addUser(NewUser("alice", uid: 20_001)).uid == 20_001)
        #expect(try fixture.store.addGroup("lab", gid: 20_002).gid == 20_002)
        #expect(try fixture.user("bob").uid == 20_000)
        #expect(try fixture.user("carol").uid == 20_003)
        #expect(try fixture.store.addUser(NewUser("dora", uid: 20_099)).uid == 20_099)
        #expect(try fixture.user("emil").uid == 20_004)
    }

    @Test("outside of the range are refused", arguments: [0, 19_999, 20_100, UInt32.max] as [UInt32])
    func outOfRange(_ number: UInt32) throws {
        let fixture = try Fixture()
        let store = fixture.store
        let error = try fixture.refuses(.outOfRange) { _ = try store.addUser(NewUser("alice", uid: number)) }
        #expect(error?.detail.contains("20000-20099") == true)
        try fixture.refuses(.outOfRange) { _ = try store.addGroup("lab", gid: number) }
    }

    @Test("run out with a sentence about the range")
    func exhausted() throws {
        let fixture = try Fixture(20_000...20_001)
        try fixture.user("alice")
        try fixture.group("lab")
        let store = fixture.store
        let error = try fixture.refuses(.rangeExhausted) { _ = try store.addUser(NewUser("bob")) }
        #expect(error?.hint?.contains("UidRange") == true)
        try fixture.refuses(.rangeExhausted) { _ = try store.addGroup("team") }
        // A longer range goes on where the short one ended.
        let longer = try DirectoryStore(path: fixture.folder.file, uidRange: 20_000...20_009)
        #expect(try longer.addUser(NewUser("bob")).uid == 20_002)
    }

    @Test("at the very top of 32 bits do not overflow")
    func top() throws {
        let fixture = try Fixture((UInt32.max - 1)...UInt32.max)
        #expect(try fixture.user("alice").uid == .max - 1)
        #expect(try fixture.user("bob").uid == .max)
        let store = fixture.store
        try fixture.refuses(.rangeExhausted) { _ = try store.addUser(NewUser("carol")) }
    }

    @Test("are not used up by what is refused")
    func refusedCostsNothing() throws {
        let fixture = try Fixture()
        let store = fixture.store
        try fixture.refuses(.notFound) { _ = try store.addUser(NewUser("alice", groups: ["nowhere"])) }
        #expect(try fixture.user("alice").uid == 20_000)
    }

    @Test("stay different when threads and connections ask at once")
    func concurrent() throws {
        let fixture = try Fixture()
        let stores = [
            fixture.store, try DirectoryStore(path: fixture.folder.file, uidRange: 20_000...20_099),
        ]
        let failures = Locked<[String]>([])
        runInParallel(4) { thread in
            for count in 0..<10 {
                do {
                    _ = try stores[thread % 2].addUser(NewUser("u\(thread)-\(count)"))
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(try Set(fixture.store.users().map(\.uid)) == Set(20_000..<20_040))
        #expect(try fixture.store.generation() == 40)
    }

    @Test("are safe from a program that is too old for the file")
    func future() throws {
        let fixture = try Fixture()
        let path = fixture.folder.file
        try Database(path: path).execute("INSERT INTO migration VALUES ('directory', 99, 0)")
        #expect(#expect(throws: SQLiteError.self) { try DirectoryStore(path: path) }?.code == .futureVersion)
    }
}
