import FileEvents
import Glibc
import Ownership
import Support

/// Measures how long questions take in the store.
enum Asking {
    /// Asks for random files of a tree; prints a line for each kind of question: median, 99th percentile and longest, in microseconds.
    static func run(_ path: String, tree root: String, count: Int) throws {
        let book = try Book(path: path)
        guard let tree = try book.tree(Array(root.utf8)) else {
            throw BookError(.notFound, "no tree \(root)")
        }
        let paths = try book.read { try sample(count, of: tree, book) }
        try measure("owner", paths) { path in _ = try book.owner(of: path, in: tree) }
        // Of most files nobody has told anything; ask for those that have a story as often.
        let written = try written(count, in: book)
        try measure("who", paths + written) { path in _ = try book.writers(of: path, in: tree) }
        try measure("history", paths + written) { path in _ = try book.history(of: path, in: tree) }
        let uids = Array(Set(try book.usage(of: tree.id).map(\.uid)))
        try measure("usage", Array(repeating: [], count: 50)) { _ in _ = try book.usage(of: tree.id) }
        try measure("list", uids.map { [UInt8](String($0).utf8) }) { uid in
            let number = UInt32(String(decoding: uid, as: UTF8.self)) ?? 0
            _ = try book.files(ListingFilter(uid: number, tree: tree.id), limit: 100, for: .everything)
        }
        try measure("gaps", Array(repeating: [], count: 20)) { _ in _ = try book.gaps() }

        func measure(_ name: String, _ arguments: [[UInt8]], _ body: ([UInt8]) throws -> Void) throws {
            var times: [Int64] = []
            for argument in arguments {
                let start = MonotonicTime.now
                try book.read { try body(argument) }
                times.append((MonotonicTime.now.nanoseconds - start.nanoseconds) / 1_000)
            }
            times.sort()
            guard let last = times.last else { return }
            print("\(name) \(times[times.count / 2]) \(times[times.count * 99 / 100]) \(last)")
        }
    }

    /// Prints the paths of files with a story, in any order.
    static func list(_ path: String, tree root: String, count: Int) throws {
        for path in try written(count, in: try Book(path: path)) {
            print(root + "/" + String(decoding: path, as: UTF8.self))
        }
    }

    private static func written(_ count: Int, in book: Book) throws -> [[UInt8]] {
        let told = try book.read { try book.changes(from: .min, limit: 20 * count) { _ in true } }
        return told.shuffled().prefix(count).map(\.path)
    }

    /// Random walks down the tree: each ends at a file.
    private static func sample(_ count: Int, of tree: Tree, _ book: Book) throws -> [[UInt8]] {
        var paths: [[UInt8]] = []
        guard let root = try book.root(of: tree.id) else { return [] }
        var tries = 0
        while paths.count < count, tries < count * 20 {
            tries += 1
            var directory = root.id
            var path: [UInt8] = []
            while let entry = try book.entries(of: directory).randomElement() {
                path += (path.isEmpty ? [] : [UInt8(ascii: "/")]) + entry.name
                guard entry.stat.isDirectory else {
                    paths.append(path)
                    break
                }
                guard let next = try book.directory(entry.name, in: directory) else { break }
                directory = next.id
            }
        }
        return paths
    }
}
