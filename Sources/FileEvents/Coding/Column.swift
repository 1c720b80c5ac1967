/// The columns of a frame, in the order they are stored. Values of one kind side by side compress far better than records do.
enum Column: Int, CaseIterable {
    /// New trees, directories, actors and ACLs; events refer to them by number.
    case definitions
    /// What each record is.
    case kinds
    case times, directories, actors, counts
    /// Names are stored as what they share with the one before, and the rest.
    case shared, suffixLengths, suffixes
    case inodes, modes, uids, gids, links, sizes, blocks, modifiedSeconds, modifiedNanoseconds, changed
    /// Of directories: 0: unknown, 1: the mode alone, else the number of a definition and 2.
    case accessLists
    /// Gaps, reports and coverage.
    case rest
}

/// What a record is, in its byte of the column `kinds`.
enum RecordTag {
    /// The low four bits of an event are its kind.
    static let kindMask: UInt8 = 0x0F
    static let hasStat: UInt8 = 0x10
    static let hasDestination: UInt8 = 0x20
    static let isSingle: UInt8 = 0x40
    /// Not an event; the low bits say what.
    static let other: UInt8 = 0x80
    static let gap: UInt8 = 0x80
    static let directory: UInt8 = 0x81
    static let scan: UInt8 = 0x82
    static let coverage: UInt8 = 0x83
}

/// What a definition is, in the column `definitions`.
enum DefinitionTag {
    static let tree: UInt8 = 1
    static let directory: UInt8 = 2
    static let actor: UInt8 = 3
    static let accessList: UInt8 = 4
}

/// What a file of this length takes on an ordinary file system, in units of 512 bytes; only the difference is stored.
func expectedBlocks(_ size: UInt64) -> UInt64 {
    size / 4_096 * 8 + (size % 4_096 == 0 ? 0 : 8)
}

/// The values before, from which the next ones are counted; anew in each frame.
struct Previous {
    var time: Int64 = 0
    var name: [UInt8] = []
    var inode: UInt64 = 0
    var modifiedSeconds: Int64 = 0
    var changed: Int64 = 0
}
