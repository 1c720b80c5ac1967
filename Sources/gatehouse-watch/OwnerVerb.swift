import FileEvents
import Glibc
import Ownership
import Support

/// Says whose a file is, from a book of this host: `gatehouse-watch owner PATH --book FILE`.
enum OwnerVerb: Verb {
    static let name = "owner"
    static let summary = "Say from a book of this host whose a file is"
    static let usage = """
        owner PATH --book FILE [--microseconds]
               gatehouse-watch owner --paths-from-input --book FILE [--microseconds]

        Writes uid, gid, mode and path in a line, or a dash for what the book does not have; with --microseconds first how long
        the answer took. Paths from the standard input are separated by NUL.
        """

    static func run(_ words: inout OptionReader) throws(Refusal) -> ExitStatus {
        guard let path = try words.option("--book") else {
            throw Refusal(.usage, "--book is missing", hint: "it names the file that 'scan' keeps")
        }
        let isTimed = words.flag("--microseconds")
        var paths: [[UInt8]] = []
        if !words.flag("--paths-from-input") { paths = [Array(try words.positional("PATH").utf8)] }
        try words.finish()
        guard unsafe access(path, R_OK) == 0 else {
            throw Refusal(.notFound, "\(path): \(SystemError("open").reason)")
        }
        do {
            if paths.isEmpty {
                let input = try Descriptor(adopting: dup(0)).readAll(limit: 1 << 30)
                paths = input.split(separator: 0).map(Array.init)
            }
            let book = try Book(path: path)
            let trees = try book.trees()
            var isComplete = true
            for path in paths {
                let began = MonotonicTime.now
                let entry = try Self.entry(path, trees, book)
                let took = MonotonicTime.now - began
                let time = isTimed ? "\(took.components.attoseconds / 1_000_000_000_000) " : ""
                let owner = entry.map { "\($0.stat.uid) \($0.stat.gid) \(String($0.stat.mode, radix: 8))" }
                print("\(time)\(owner ?? "-") \(PathText.shown(path))")
                if entry == nil { isComplete = false }
            }
            return isComplete ? .success : .notFound
        } catch {
            throw Refusal(.failure, "\(error)".printable)
        }
    }

    /// What the book has at an absolute path.
    private static func entry(_ path: [UInt8], _ trees: [Tree], _ book: Book) throws -> FileEntry? {
        let slash = UInt8(ascii: "/")
        for tree in trees.sorted(by: { $0.path.count > $1.path.count }) {
            if path == tree.path { return try book.entry(at: [], in: tree.id) }
            let prefix = tree.path == [slash] ? tree.path : tree.path + [slash]
            if path.starts(with: prefix) {
                return try book.entry(at: Array(path[prefix.count...]), in: tree.id)
            }
        }
        return nil
    }
}
