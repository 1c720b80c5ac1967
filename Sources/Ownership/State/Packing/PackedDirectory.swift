package import FileEvents

/// One name in a directory, and what is known of the file it leads to.
package typealias FileEntry = DirectoryReport.Entry

/// A directory's contents as the book keeps them: sorted by name, in one part or, when there are very many, in parts.
package struct PackedDirectory: Sendable {
    /// A run of neighbouring names.
    package struct Part: Equatable, Sendable {
        /// The first name of the run.
        package var firstName: [UInt8]
        package var bytes: [UInt8]
        /// Of `bytes`, with the book's key.
        package var digest: UInt64
        package var entryCount: Int
    }

    /// The directory itself.
    package var stat: FileStat
    /// As in `DirectoryReport`.
    package var accessList: [UInt8]?
    /// When reading it began, in microseconds since 1970.
    package var time: Int64
    /// None for an empty directory.
    package var parts: [Part]
    /// Differs, but for one chance in 2^64, when anything in `stat` or in the contents differs.
    package var digest: UInt64
    /// What each owner has in it.
    package var shares: [OwnerShare]
    /// The files with more than one name.
    package var linked: [LinkedFile]

    /// How many names it holds.
    package var entryCount: Int { parts.reduce(0) { $0 + $1.entryCount } }
}

/// What one owner, group and mode have in a directory.
package struct OwnerShare: Equatable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    /// Everything but directories.
    package var files: Int64 = 0
    package var directories: Int64 = 0
    /// The lengths of the files. What a directory takes itself is not counted.
    package var bytes: Int64 = 0
    /// In units of 512 bytes.
    package var blocks: Int64 = 0
    /// The modification times of the oldest and newest file, in nanoseconds since 1970.
    package var oldest = Int64.max
    package var newest = Int64.min
    /// The length of the longest file.
    package var biggest: Int64 = 0

    mutating func count(_ stat: FileStat) {
        if stat.isDirectory {
            directories += 1
            return
        }
        files += 1
        bytes &+= Int64(clamping: stat.size)
        blocks &+= Int64(clamping: stat.blocks)
        oldest = min(oldest, stat.modified)
        newest = max(newest, stat.modified)
        biggest = max(biggest, Int64(clamping: stat.size))
    }

    mutating func add(_ other: OwnerShare) {
        files += other.files
        directories += other.directories
        bytes &+= other.bytes
        blocks &+= other.blocks
        oldest = min(oldest, other.oldest)
        newest = max(newest, other.newest)
        biggest = max(biggest, other.biggest)
    }
}

/// A name of a file that has several.
package struct LinkedFile: Hashable, Sendable {
    package var inode: UInt64
    package var uid: UInt32
    package var gid: UInt32
    package var size: UInt64
    package var blocks: UInt64

    init(_ stat: FileStat) {
        inode = stat.inode
        uid = stat.uid
        gid = stat.gid
        size = stat.size
        blocks = stat.blocks
    }
}

extension FileStat {
    /// Whether it is a file that may have other names.
    var isLinked: Bool { links != 1 && !isDirectory }
}

/// The limits and the layout of packed parts.
///
/// A part is: version, count, base inode, base second, then each entry as
/// head (flags, number of owner), [uid, gid, mode of a new owner], how much of the name is the one before, the rest of the name,
/// inode's distance and, unless it is a directory, size, blocks, links, times. Numbers are LEB128, distances zigzag.
enum PackedFormat {
    static let version: UInt8 = 1

    /// Longer names do not occur: Linux allows 255 bytes, other file systems under it some hundred.
    static let longestName = 1_023

    /// A directory with more entries is split into parts.
    static let splitThreshold = 8_192
    static let partLimit = 65_536
    static let smallestPart = 512
    static let largestPart = 8_192

    /// What the head says besides the owner's number, which is above these bits.
    static let headBits: UInt64 = 5
    /// The inode changed when the contents did.
    static let sameTimes: UInt64 = 1
    /// One name leads to it.
    static let oneLink: UInt64 = 2
    /// Blocks: none, as many as the size needs in units of 4 KiB, or given.
    static let blocksMask: UInt64 = 12
    static let noBlocks: UInt64 = 0
    static let usualBlocks: UInt64 = 4
    static let givenBlocks: UInt64 = 8
    /// An owner that the part has not had before; follows.
    static let newOwner: UInt64 = 16

    static func usualBlockCount(_ size: UInt64) -> UInt64 {
        (size >> 12) &* 8 &+ (size & 4_095 == 0 ? 0 : 8)
    }
}

/// Order by the bytes of the names, as memcmp(3).
package func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.lexicographicallyPrecedes(right)
}
