import SQLite
import Support
import TestSupport
import Testing

@Suite("Migrations")
struct MigrationTests {
    private let first = Migration(1, "CREATE TABLE a (x); INSERT INTO a VALUES (1)")
    private let second = Migration(2, "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (2, 3)")
    private let time = Timestamp(milliseconds: 1_000)

    @Test("run in order, each once, and are written down")
    func runOnce() throws {
        let database = try Database(path: ":memory:")
        try database.migrate(module: "m", [first], at: time)
        try database.migrate(module: "m", [first, second], at: time)
        try database.migrate(module: "m", [first, second], at: time)
        #expect(try database.rows("SELECT x FROM a") { $0.integer(0) } == [1, 2])
        let steps = try database.rows("SELECT module, version, applied FROM migration ORDER BY version") {
            "\($0.text(0)) \($0.integer(1)) \($0.integer(2))"
        }
        #expect(steps == ["m 1 1000", "m 2 1000"])
    }

    @Test("of two modules in one file do not meet")
    func modules() throws {
        let database = try Database(path: ":memory:")
        try database.migrate(module: "m", [first, second], at: time)
        try database.migrate(module: "n", [Migration(1, "CREATE TABLE b (x)")], at: time)
        #expect(try database.first("SELECT count(*) FROM b") { $0.integer(0) } == 0)
    }

    @Test("refuse a file from the future and leave it alone")
    func future() throws {
        let database = try Database(path: ":memory:")
        try database.migrate(module: "m", [first, second], at: time)
        let error = #expect(throws: SQLiteError.self) { try database.migrate(module: "m", [first], at: time) }
        #expect(error?.code == .futureVersion)
        #expect(error?.detail.contains("version 2") == true)
        #expect(try database.first("SELECT max(version) FROM migration") { $0.integer(0) } == 2)
    }

    @Test("that fail halfway leave the file as it was")
    func failure() throws {
        let database = try Database(path: ":memory:")
        try database.migrate(module: "m", [first], at: time)
        let broken = Migration(2, "INSERT INTO a VALUES (9); INSERT INTO nowhere VALUES (1)")
        #expect(throws: SQLiteError.self) { try database.migrate(module: "m", [first, broken], at: time) }
        #expect(try database.rows("SELECT x FROM a") { $0.integer(0) } == [1])
        try database.migrate(module: "m", [first, second], at: time)
        #expect(try database.rows("SELECT x FROM a") { $0.integer(0) } == [1, 2])
    }

    @Test("of several openers at once run once")
    func race() throws {
        let folder = try TemporaryFolder()
        let failures = Locked<[String]>([])
        let file = folder.file
        let steps = [first, second]
        runInParallel(6) { _ in
            do {
                try Database(path: file).migrate(module: "m", steps)
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(try Database(path: file).rows("SELECT x FROM a") { $0.integer(0) } == [1, 2])
    }
}
