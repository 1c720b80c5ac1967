import Glibc
import SQLite
import Support
import TestSupport
import Testing

@Suite("A database connection")
struct DatabaseTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open() throws -> Database {
        try Database(path: folder.file)
    }

    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test("makes its files for the owner alone")
    func createsPrivately() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a)")
        let file = folder.file
        for path in [file, file + "-wal", file + "-shm"] { #expect(mode(path) == 0o600, "\(path)") }
    }

    @Test("takes an existing file away from others")
    func tightens() throws {
        let file = folder.file
        _ = try open()
        #expect(unsafe chmod(file, 0o664) == 0)
        _ = try open()
        #expect(mode(file) == 0o600)
    }

    @Test("sets the pragmas that data safety rests on")
    func pragmas() throws {
        let database = try open()
        #expect(try database.first("PRAGMA journal_mode") { $0.text(0) } == "wal")
        #expect(try database.first("PRAGMA foreign_keys") { $0.integer(0) } == 1)
        #expect(try database.first("PRAGMA synchronous") { $0.integer(0) } == 1)
        #expect(try database.first("PRAGMA trusted_schema") { $0.integer(0) } == 0)
        #expect(try database.first("PRAGMA busy_timeout") { $0.integer(0) } == 5_000)
    }

    @Test("gives back every kind of value as it was bound")
    func values() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a, b, c, d, e, f)")
        let bytes: [UInt8] = [0, 1, 255]
        try database.run(
            "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6)", Int64.min, "a\u{0}é\u{1F600}", bytes,
            String?.none, true,
            [UInt8]())
        let matches = try database.first("SELECT * FROM t") { row in
            row.integer(0) == .min && row.text(1) == "a\u{0}é\u{1F600}" && row.blob(2) == bytes
                && row.isNull(3)
                && row.boolean(4) && row.optional(3, row.text) == nil && row.optional(1, row.text) != nil
                && !row.isNull(5) && row.blob(5).isEmpty
        }
        #expect(matches == true)
    }

    @Test("a wrong number of values is an error, not a NULL")
    func parameterCount() throws {
        let database = try open()
        #expect(throws: SQLiteError.self) { try database.run("SELECT ?1, ?2", 1) }
    }

    @Test("a statement may be used while it is being read")
    func reentrant() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)")
        let pairs = try database.rows("SELECT a FROM t ORDER BY a") { outer in
            let a = outer.integer(0)
            return try database.rows("SELECT a FROM t ORDER BY a") { [a, $0.integer(0)] }
        }
        #expect(pairs.joined().map { $0 } == [[1, 1], [1, 2], [2, 1], [2, 2]])
    }

    @Test("a statement that somebody keeps outlives the connection")
    func statementOutlives() throws {
        var database: Database? = try open()
        let statement = try #require(try database?.prepare("SELECT 7"))
        database = nil
        try statement.bind([])
        #expect(try statement.step())
        #expect(statement.integer(0) == 7)
    }

    @Test("a transaction that throws leaves nothing")
    func rollsBack() throws {
        struct Interruption: Error {}
        let database = try open()
        try database.execute("CREATE TABLE t (a)")
        #expect(throws: Interruption.self) {
            try database.transaction {
                try database.run("INSERT INTO t VALUES (1)")
                throw Interruption()
            }
        }
        #expect(!database.isInTransaction)
        #expect(try database.first("SELECT count(*) FROM t") { $0.integer(0) } == 0)
        try database.transaction { _ = try database.run("INSERT INTO t VALUES (2)") }
        #expect(try database.first("SELECT a FROM t") { $0.integer(0) } == 2)
    }

    @Test("a transaction whose process is killed leaves nothing")
    func survivesKill() async throws {
        let file = folder.file
        let database = try open()
        try database.execute("CREATE TABLE t (a); INSERT INTO t VALUES ('before')")
        await #expect(processExitsWith: .signal(SIGKILL)) { [file = file as String] in
            let database = try Database(path: file)
            try database.transaction {
                for number in 0..<1_000 { try database.run("INSERT INTO t VALUES (?1)", number) }
                try database.run("DELETE FROM t WHERE a = 'before'")
                kill(getpid(), SIGKILL)
            }
        }
        #expect(try database.rows("SELECT a FROM t") { $0.text(0) } == ["before"])
        #expect(try database.first("PRAGMA integrity_check") { $0.text(0) } == "ok")
    }

    @Test("errors have codes and do not show values")
    func errors() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a UNIQUE)")
        try database.run("INSERT INTO t VALUES (?1)", "secret")
        let error = #expect(throws: SQLiteError.self) {
            try database.run("INSERT INTO t VALUES (?1)", "secret")
        }
        #expect(error?.code == .constraint)
        #expect(error?.detail.contains("secret") == false)
        #expect(#expect(throws: SQLiteError.self) { try database.execute("SELEC") }?.code == .other)
    }

    @Test("a file that is no database, and a folder that is not there, are told apart")
    func cannotOpen() throws {
        let folder = folder
        let file = try Descriptor.open(folder.file, O_CREAT | O_WRONLY)
        try file.writeAll([UInt8](repeating: 65, count: 4_096))
        #expect(#expect(throws: SQLiteError.self) { try Database(path: folder.file) }?.code == .corrupt)
        let missing = folder.path + "/no/such/file"
        #expect(#expect(throws: SQLiteError.self) { try Database(path: missing) }?.code == .cannotOpen)
    }
}
