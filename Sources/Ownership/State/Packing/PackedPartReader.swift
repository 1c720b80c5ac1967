package import FileEvents

/// Reads the entries of a packed part in order. Every length is checked: the file may be damaged.
package struct PackedPartReader {
    private let bytes: [UInt8]
    private var offset = 0
    private var owners: [(uid: UInt32, gid: UInt32, mode: UInt32)] = []
    private var nameBytes = [UInt8](repeating: 0, count: PackedFormat.longestName)
    private var nameCount = 0
    private var lastInode: UInt64 = 0
    private var lastModified: Int64 = 0
    private var lastChanged: Int64 = 0

    /// Of the present entry.
    package private(set) var stat = FileStat(
        inode: 0, mode: 0, uid: 0, gid: 0, links: 0, size: 0, blocks: 0, modified: 0, changed: 0)

    /// - Parameter bytes: a part; none is an empty one.
    /// - Throws: `BookError` `.corrupt`.
    package init(_ bytes: [UInt8]) throws(BookError) {
        self.bytes = bytes
        if bytes.isEmpty { return }
        let version = try byte()
        guard version == PackedFormat.version else { throw Self.damage("version \(version)") }
        lastInode = try number()
        lastModified = try signed()
        lastChanged = try signed()
    }

    /// The name of the present entry.
    package var name: ArraySlice<UInt8> { nameBytes[..<nameCount] }

    /// The present entry.
    package var entry: FileEntry { FileEntry(name: Array(name), stat: stat) }

    /// Goes to the next entry; false when there is none.
    ///
    /// - Throws: `BookError` `.corrupt`.
    package mutating func next() throws(BookError) -> Bool {
        if offset == bytes.count { return false }
        let head = try number()
        try readOwner(head)
        try readName()
        lastInode = lastInode &+ UInt64(bitPattern: try signed())
        stat.inode = lastInode
        if stat.isDirectory {
            stat.size = 0
            stat.blocks = 0
            stat.links = 1
            stat.modified = 0
            stat.changed = 0
            return true
        }
        stat.size = try number()
        switch head & PackedFormat.blocksMask {
        case PackedFormat.noBlocks: stat.blocks = 0
        case PackedFormat.usualBlocks: stat.blocks = PackedFormat.usualBlockCount(stat.size)
        case PackedFormat.givenBlocks: stat.blocks = try number()
        default: throw Self.damage("kind of blocks")
        }
        stat.links = head & PackedFormat.oneLink != 0 ? 1 : try number32()
        let modified = try time()
        lastModified = lastModified &+ modified.distance
        stat.modified = lastModified &* 1_000_000_000 &+ modified.nanosecond
        if head & PackedFormat.sameTimes != 0 {
            stat.changed = stat.modified
            return true
        }
        let changed = try time()
        lastChanged = lastChanged &+ changed.distance
        stat.changed = lastChanged &* 1_000_000_000 &+ changed.nanosecond
        return true
    }

    private mutating func readOwner(_ head: UInt64) throws(BookError) {
        let number = head >> PackedFormat.headBits
        if head & PackedFormat.newOwner != 0 {
            guard number == owners.count else { throw Self.damage("owner's number") }
            owners.append((try number32(), try number32(), try number32()))
        }
        guard number < owners.count else { throw Self.damage("owner") }
        let owner = owners[Int(number)]
        stat.uid = owner.uid
        stat.gid = owner.gid
        stat.mode = owner.mode
    }

    private mutating func readName() throws(BookError) {
        let shared = try number()
        let rest = try number()
        guard shared <= nameCount, rest <= PackedFormat.longestName - Int(shared),
            rest <= bytes.count - offset, shared + rest > 0
        else { throw Self.damage("name") }
        nameCount = Int(shared + rest)
        for index in Int(shared)..<nameCount {
            nameBytes[index] = bytes[offset]
            offset += 1
        }
    }

    private mutating func time() throws(BookError) -> (distance: Int64, nanosecond: Int64) {
        let distance = try signed()
        var nanosecond: Int64 = 0
        if distance & 1 != 0 {
            guard bytes.count - offset >= 4 else { throw Self.damage("time") }
            for index in 0..<4 { nanosecond |= Int64(bytes[offset + index]) << Int64(8 * index) }
            offset += 4
        }
        return (distance >> 1, nanosecond)
    }

    private mutating func byte() throws(BookError) -> UInt8 {
        guard offset < bytes.count else { throw Self.damage("end") }
        offset += 1
        return bytes[offset - 1]
    }

    private mutating func number() throws(BookError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            // The tenth byte has room for one bit.
            if shift == 63, byte > 1 { throw Self.damage("number") }
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return value }
            shift += 7
        }
    }

    private mutating func number32() throws(BookError) -> UInt32 {
        guard let value = UInt32(exactly: try number()) else { throw Self.damage("number") }
        return value
    }

    private mutating func signed() throws(BookError) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    private static func damage(_ what: String) -> BookError {
        BookError(.corrupt, "the book is damaged: a packed directory has a bad \(what)")
    }
}

extension PackedPartReader {
    /// All entries of a part.
    ///
    /// - Throws: `BookError` `.corrupt`.
    package static func entries(_ bytes: [UInt8]) throws(BookError) -> [FileEntry] {
        var reader = try PackedPartReader(bytes)
        var entries: [FileEntry] = []
        while try reader.next() { entries.append(reader.entry) }
        return entries
    }
}
