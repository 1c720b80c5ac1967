import Support

/// The book's file for many threads: one that writes, several that ask at the same time.
package final class BookStore: Sendable {
    /// Questions answered at once; more wait.
    private static let readerCount = 4

    private let writer: Locked<Book>
    private let readers: [Locked<Book>]
    private let next = Locked(0)

    /// Opens the book, making file and tables if need be.
    ///
    /// - Throws: `SQLiteError`.
    package init(path: String) throws {
        writer = Locked(try Book(path: path))
        readers = try (0..<Self.readerCount).map { _ in
            Locked(try Book(path: path, cacheByteCount: 8 << 20))
        }
    }

    /// Answers a question from one state of the book; blocks on the disk.
    ///
    /// - Throws: what `body` throws, `SQLiteError`.
    package func ask<Result: Sendable>(_ body: @Sendable (Book) throws -> Result) throws -> Result {
        let turn = next.withLock { turn in
            turn = (turn + 1) % Self.readerCount
            return turn
        }
        return try readers[turn].withLock { book in
            let book = book
            return try book.read { try body(book) }
        }
    }

    /// Lets `body` write with the calls of `Book` that are transactions of their own; others that write wait.
    ///
    /// - Throws: what `body` throws.
    package func change<Result: Sendable>(_ body: @Sendable (Book) throws -> Result) throws -> Result {
        try writer.withLock { book in
            let book = book
            return try body(book)
        }
    }
}
