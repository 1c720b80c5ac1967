import FileEvents
import Ownership
import TestSupport

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

let directoryMode: UInt32 = 0o040755
let fileMode: UInt32 = 0o100644

func fileStat(
    _ inode: UInt64, uid: UInt32 = 1_000, gid: UInt32 = 1_000, size: UInt64 = 10, links: UInt32 = 1,
    modified: Int64 = 5_000_000_000, mode: UInt32 = fileMode
) -> FileStat {
    FileStat(
        inode: inode, mode: mode, uid: uid, gid: gid, links: links, size: size,
        blocks: (size + 4_095) / 4_096 * 8,
        modified: modified, changed: modified)
}

func directoryStat(_ inode: UInt64, uid: UInt32 = 1_000, modified: Int64 = 5_000_000_000) -> FileStat {
    FileStat(
        inode: inode, mode: directoryMode, uid: uid, gid: uid, links: 2, size: 4_096, blocks: 8,
        modified: modified, changed: modified)
}

/// A file's state with extreme values among usual ones.
func randomStat(_ random: inout SeededGenerator) -> FileStat {
    func number(_ usual: UInt64) -> UInt64 {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: 0
        case 1: .max
        case 2: UInt64.random(in: .min ... .max, using: &random)
        default: UInt64.random(in: 0...usual, using: &random)
        }
    }
    func time() -> Int64 {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: 0
        case 1: .max
        case 2: .min
        case 3: -Int64.random(in: 0...10_000_000_000, using: &random)
        default: Int64.random(in: 0...2_000_000_000_000_000_000, using: &random)
        }
    }
    let modes: [UInt32] = [fileMode, 0o120777, directoryMode, 0o104755, 0o010600, .max]
    let modified = time()
    return FileStat(
        inode: number(1_000_000), mode: modes.randomElement(using: &random) ?? fileMode,
        uid: UInt32(truncatingIfNeeded: number(50)), gid: UInt32(truncatingIfNeeded: number(5)),
        links: [0, 1, 1, 1, 2, .max].randomElement(using: &random) ?? 1, size: number(1_000_000),
        blocks: number(4_096), modified: modified, changed: Bool.random(using: &random) ? modified : time())
}

func randomName(_ random: inout SeededGenerator) -> [UInt8] {
    let length = Int.random(in: 0..<20, using: &random) == 0 ? 255 : Int.random(in: 1...12, using: &random)
    return (0..<length).map { _ in
        let byte = UInt8.random(in: 1...255, using: &random)
        return byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".")
            ? 97 : byte % 7 == 0 ? byte : 97 + byte % 3
    }
}

/// What the packed form keeps: of directories neither size nor times.
func kept(_ entry: FileEntry) -> FileEntry {
    var entry = entry
    if entry.stat.isDirectory {
        entry.stat.size = 0
        entry.stat.blocks = 0
        entry.stat.links = 1
        entry.stat.modified = 0
        entry.stat.changed = 0
    }
    return entry
}

/// A book in a folder of its own.
struct BookFixture {
    let folder: TemporaryFolder
    let book: Book
    let tree: Tree

    init() throws {
        folder = try TemporaryFolder()
        book = try Book(path: folder.file)
        let book = book
        tree = try book.write { try book.makeTree(Array("/shared/lab".utf8)) }
    }

    var look: Look { Look(tree: tree.id) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func entry(_ name: String, _ stat: FileStat) -> FileEntry { FileEntry(name: bytes(name), stat: stat) }
