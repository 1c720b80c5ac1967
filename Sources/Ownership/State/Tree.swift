internal import SQLite

/// The number of a tree in the book.
package typealias TreeID = Int64

/// A shared directory that the book knows, with everything below it.
package struct Tree: Equatable, Sendable {
    package var id: TreeID
    /// Absolute, without a slash at the end.
    package var path: [UInt8]
    /// When the last completed scan began, in microseconds since 1970; nil: never scanned wholly.
    package var scanned: Int64?
}

extension Book {
    /// The trees by path.
    package func trees() throws -> [Tree] {
        try database.rows("SELECT id, path, scanned FROM tree ORDER BY path", [], Self.tree)
    }

    /// The tree with this root.
    package func tree(_ path: [UInt8]) throws -> Tree? {
        try database.first("SELECT id, path, scanned FROM tree WHERE path = ?1", [path], Self.tree)
    }

    /// The tree with this number.
    package func tree(_ id: TreeID) throws -> Tree? {
        try database.first("SELECT id, path, scanned FROM tree WHERE id = ?1", [id], Self.tree)
    }

    /// The tree with this root, made if there is none. Within `write`.
    package func makeTree(_ path: [UInt8]) throws -> Tree {
        if let known = try tree(path) { return known }
        guard path.first == UInt8(ascii: "/"), path.count == 1 || path.last != UInt8(ascii: "/"),
            !path.contains(0)
        else { throw BookError(.badPath, "a tree is an absolute path without a slash at the end") }
        try database.run("INSERT INTO tree (path) VALUES (?1)", path)
        return Tree(id: database.lastInsertedRow, path: path, scanned: nil)
    }

    private static func tree(_ row: Statement) -> Tree {
        Tree(id: row.integer(0), path: row.blob(1), scanned: row.optional(2, row.integer))
    }
}
