import FileEvents
import Glibc
import Ownership
import Scanner
import Support
import TestSupport

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A generator of numbers that gives the same ones for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// What find(1) says of a file.
struct Found: Hashable {
    var inode: UInt64
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var size: UInt64
    var blocks: UInt64
    var modified: Int64
    var changed: Int64

    var isDirectory: Bool { mode & 0o170000 == 0o040000 }

    init(_ stat: FileStat) {
        inode = stat.inode
        mode = stat.mode
        uid = stat.uid
        gid = stat.gid
        size = stat.size
        blocks = stat.blocks
        modified = stat.modified
        changed = stat.changed
    }

    /// The words of `Listing.format`.
    init?(_ words: [Substring]) {
        guard words.count == 9, let inode = UInt64(words[0]), let permissions = UInt32(words[2], radix: 8),
            let type = Self.types[words[1]], let uid = UInt32(words[3]), let gid = UInt32(words[4]),
            let size = UInt64(words[5]), let blocks = UInt64(words[6]), let modified = Self.time(words[7]),
            let changed = Self.time(words[8])
        else { return nil }
        self.inode = inode
        mode = type | permissions
        self.uid = uid
        self.gid = gid
        self.size = size
        self.blocks = blocks
        self.modified = modified
        self.changed = changed
    }

    private static let types: [Substring: UInt32] = [
        "f": 0o100000, "d": 0o040000, "l": 0o120000, "p": 0o010000, "s": 0o140000, "c": 0o020000,
        "b": 0o060000,
    ]

    /// Seconds with ten digits behind the point.
    private static func time(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ".")
        guard parts.count == 2, let second = Int64(parts[0]), let fraction = Int64(parts[1].prefix(9)) else {
            return nil
        }
        return second * 1_000_000_000 + fraction
    }
}

/// A tree, path by path, from find(1) or from the book.
enum Listing {
    private static let format = #"%P\0%i %y %m %U %G %s %b %T@ %C@\0"#

    static func find(_ root: String) throws -> [[UInt8]: Found] {
        let scratch = try ScratchFolder()
        let list = scratch.path + "/list"
        _ = try Tool("/usr/bin/find", [root, "-fprintf", list, format])
        let contents = try Descriptor.open(list, O_RDONLY).readAll(limit: 1 << 30)
        let fields = contents.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        var listing: [[UInt8]: Found] = [:]
        for index in stride(from: fields.startIndex, to: fields.endIndex - 1, by: 2) {
            let words = String(decoding: fields[index + 1], as: UTF8.self).split(separator: " ")
            listing[Array(fields[index])] = Found(words)
        }
        return listing
    }

    static func book(_ book: Book, _ tree: TreeID) throws -> [[UInt8]: Found] {
        guard let root = try book.root(of: tree) else { return [:] }
        var listing: [[UInt8]: Found] = [[]: Found(root.stat)]
        var pending: [(DirectoryID, [UInt8])] = [(root.id, [])]
        while let (id, path) = pending.popLast() {
            for entry in try book.entries(of: id) {
                let place = path.isEmpty ? entry.name : path + [UInt8(ascii: "/")] + entry.name
                listing[place] = Found(entry.stat)
                if entry.stat.isDirectory, let row = try book.directory(entry.name, in: id) {
                    listing[place] = Found(row.stat)
                    pending.append((row.id, place))
                }
            }
        }
        return listing
    }
}

/// A tree on the disk, and a book of it.
struct ScanFixture {
    let scratch: ScratchFolder
    let root: String
    let bookPath: String

    init() throws {
        scratch = try ScratchFolder()
        root = scratch.path + "/tree"
        bookPath = scratch.path + "/book.db"
        guard unsafe mkdir(root, 0o755) == 0 else { throw SystemError("mkdir") }
    }

    func scanner(
        _ options: ScanOptions = ScanOptions(), _ reporter: (any ScanReporter)? = nil
    ) throws -> TreeScanner {
        try TreeScanner(
            bytes(root), root: Descriptor.open(root, O_RDONLY | O_DIRECTORY), book: Book(path: bookPath),
            options: options, reporter: reporter)
    }

    @discardableResult
    func scan(_ options: ScanOptions = ScanOptions(), _ reporter: (any ScanReporter)? = nil) throws -> Scan {
        try scanner(options, reporter).run()
    }

    /// Whether book and disk say the same of every path, and the book's sums are those of the paths.
    func differences() throws -> [String] {
        let book = try Book(path: bookPath)
        guard let tree = try book.tree(bytes(root)) else { return ["no tree"] }
        let (found, kept) = (try Listing.find(root), try Listing.book(book, tree.id))
        var texts: [String] = []
        for path in Set(found.keys).union(kept.keys) where found[path] != kept[path] {
            texts.append(
                "\(PathText.shown(path)): \(String(describing: found[path])) \(String(describing: kept[path]))"
            )
        }
        return texts.sorted() + (try sums(book, tree.id, found))
    }

    private func sums(_ book: Book, _ tree: TreeID, _ found: [[UInt8]: Found]) throws -> [String] {
        struct Owner: Hashable {
            var uid: UInt32
            var gid: UInt32
        }
        var expected: [Owner: Figures] = [:]
        var counted: Set<UInt64> = []
        for (path, file) in found where !path.isEmpty {
            let owner = Owner(uid: file.uid, gid: file.gid)
            var figures = Figures()
            if file.isDirectory {
                figures.directories = 1
            } else {
                figures.files = 1
                if counted.insert(file.inode).inserted {
                    figures.bytes = Int64(file.size)
                    figures.blocks = Int64(file.blocks)
                }
            }
            expected[owner] = expected[owner, default: Figures()] + figures
        }
        var kept: [Owner: Figures] = [:]
        for usage in try book.usage(of: tree) { kept[Owner(uid: usage.uid, gid: usage.gid)] = usage.figures }
        var texts = expected == kept ? [] : ["totals \(expected) \(kept)"]
        if let root = try book.root(of: tree) {
            let all = root.figures + (try book.beneath(root.id))
            let files = Int64(found.values.filter { !$0.isDirectory }.count)
            if all.files != files { texts.append("beneath: \(all.files) files of \(files)") }
        }
        return texts
    }
}
