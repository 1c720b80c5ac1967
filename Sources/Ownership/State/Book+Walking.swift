internal import SQLite

extension Book {
    /// How many directories of a tree are known and there.
    package func directoryCount(of tree: TreeID) throws -> Int {
        try database.first("SELECT count(*) FROM directory WHERE tree = ?1 AND gone IS NULL", [tree]) {
            Int($0.integer(0))
        } ?? 0
    }

    /// Calls `body` for each directory of a tree that is there, in no order. Not for deep work: a statement is open meanwhile.
    package func forEachDirectory(
        of tree: TreeID,
        _ body: (_ id: DirectoryID, _ parent: DirectoryID, _ name: [UInt8], _ digest: UInt64) throws -> Void
    ) throws {
        let statement = try database.prepare(
            "SELECT id, parent, name, digest FROM directory WHERE tree = ?1 AND gone IS NULL AND parent != 0")
        try statement.set(1, tree)
        defer { statement.reset() }
        while try statement.step() {
            try body(
                statement.integer(0), statement.integer(1), statement.blob(2),
                UInt64(bitPattern: statement.integer(3)))
        }
    }
}
