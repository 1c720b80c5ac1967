package import FileEvents

/// Packs the contents of directories, one directory after the other.
///
/// Not `Sendable`: each thread has its own.
package final class DirectoryPacker {
    private let digest: Digest64
    private let buffer = PackedBytes()
    private var isSplit = false

    // The directory so far.
    private var stat = FileStat(
        inode: 0, mode: 0, uid: 0, gid: 0, links: 0, size: 0, blocks: 0, modified: 0, changed: 0)
    private var accessList: [UInt8]?
    private var time: Int64 = 0
    private var parts: [PackedDirectory.Part] = []
    private var shares: [OwnerShare] = []
    private var linked: [LinkedFile] = []

    // The part so far.
    private var owners = OwnerTable()
    private var partShares: [OwnerShare] = []
    private var entryCount = 0
    private var previous = PreviousName()
    private var firstName: [UInt8] = []
    private var lastInode: UInt64 = 0
    private var lastModified: Int64 = 0
    private var lastChanged: Int64 = 0

    /// - Parameter digest: with the book's key.
    package init(digest: Digest64) {
        self.digest = digest
    }

    /// Packs a list.
    ///
    /// - Parameters:
    ///   - entries: in any order; of two with one name the first counts. Names are not empty and at most 1,023 bytes.
    ///   - accessList: as in `DirectoryReport`.
    ///   - time: when reading the directory began, in microseconds since 1970.
    package func pack(
        _ entries: [FileEntry], stat: FileStat, accessList: [UInt8]? = nil, time: Int64
    ) -> PackedDirectory {
        begin(stat: stat, accessList: accessList, time: time, entryCount: entries.count)
        var last: [UInt8]?
        for entry in entries.sorted(by: { precedes($0.name, $1.name) }) where entry.name != last {
            unsafe entry.name.withUnsafeBytes { unsafe add($0, entry.stat) }
            last = entry.name
        }
        return finish()
    }

    /// Starts a directory.
    ///
    /// - Parameter entryCount: about how many entries there will be; the same for the same contents.
    package func begin(stat: FileStat, accessList: [UInt8]? = nil, time: Int64, entryCount: Int) {
        self.stat = stat
        self.accessList = accessList
        self.time = time
        isSplit = entryCount > PackedFormat.splitThreshold
        parts = []
        shares = []
        linked = []
        beginPart()
    }

    private func beginPart() {
        buffer.removeAll()
        owners.removeAll()
        partShares.removeAll(keepingCapacity: true)
        entryCount = 0
        previous.count = 0
        lastInode = stat.inode
        // A part of many must not change because another one does, which the directory's times tell.
        lastModified = isSplit ? 0 : stat.modified / 1_000_000_000
        lastChanged = isSplit ? 0 : stat.changed / 1_000_000_000
        buffer.reserve(64)
        buffer.byte(PackedFormat.version)
        buffer.number(lastInode)
        buffer.signed(lastModified)
        buffer.signed(lastChanged)
    }

    /// Adds an entry. Names come in order, each once, not empty, at most 1,023 bytes.
    package func add(_ name: UnsafeRawBufferPointer, _ stat: FileStat) {
        precondition(name.count > 0 && name.count <= PackedFormat.longestName)
        if isSplit, entryCount >= PackedFormat.smallestPart, parts.count < PackedFormat.partLimit - 1,
            unsafe isBoundary(name)
        {
            endPart()
            beginPart()
        }
        if entryCount == 0 { firstName = unsafe [UInt8](name) }
        entryCount += 1
        buffer.reserve(name.count + 128)
        let (owner, isNew) = owners.number(uid: stat.uid, gid: stat.gid, mode: stat.mode)
        if isNew { partShares.append(OwnerShare(uid: stat.uid, gid: stat.gid)) }
        partShares[owner].count(stat)

        var head = UInt64(owner) << PackedFormat.headBits
        if isNew { head |= PackedFormat.newOwner }
        let isDirectory = stat.isDirectory
        let hasUsualBlocks = stat.blocks == PackedFormat.usualBlockCount(stat.size)
        if !isDirectory {
            if stat.links == 1 { head |= PackedFormat.oneLink }
            if stat.modified == stat.changed { head |= PackedFormat.sameTimes }
            if hasUsualBlocks {
                head |= PackedFormat.usualBlocks
            } else if stat.blocks != 0 {
                head |= PackedFormat.givenBlocks
            }
        }
        buffer.number(head)
        if isNew {
            buffer.number(UInt64(stat.uid))
            buffer.number(UInt64(stat.gid))
            buffer.number(UInt64(stat.mode))
        }
        let shared = unsafe previous.replace(with: name)
        buffer.number(UInt64(shared))
        buffer.number(UInt64(name.count - shared))
        unsafe buffer.bytes(UnsafeRawBufferPointer(rebasing: name[shared...]))
        buffer.signed(Int64(bitPattern: stat.inode &- lastInode))
        lastInode = stat.inode
        if isDirectory { return }

        buffer.number(stat.size)
        if head & PackedFormat.givenBlocks != 0 { buffer.number(stat.blocks) }
        if stat.links != 1 {
            buffer.number(UInt64(stat.links))
            linked.append(LinkedFile(stat))
        }
        addTime(stat.modified, &lastModified)
        if stat.modified != stat.changed { addTime(stat.changed, &lastChanged) }
    }

    /// Seconds as the distance to the entry before, then the nanoseconds unless they are 0.
    private func addTime(_ time: Int64, _ last: inout Int64) {
        var (second, nanosecond) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanosecond < 0 {
            second -= 1
            nanosecond += 1_000_000_000
        }
        let distance = (second - last) * 2 + (nanosecond == 0 ? 0 : 1)
        buffer.signed(distance)
        if nanosecond != 0 { buffer.word(UInt32(truncatingIfNeeded: nanosecond)) }
        last = second
    }

    /// Whether a part begins here: decided by the name itself, so that a new entry changes the part it is in and no other.
    private func isBoundary(_ name: UnsafeRawBufferPointer) -> Bool {
        unsafe digest.of(name) & 1_023 == 0 || entryCount >= PackedFormat.largestPart
    }

    private func endPart() {
        guard entryCount > 0 else { return }
        let all = 0..<buffer.count
        let bytes = unsafe buffer.withBytes(all) { unsafe [UInt8]($0) }
        let digest = unsafe buffer.withBytes(all) { unsafe self.digest.of($0) }
        parts.append(
            PackedDirectory.Part(firstName: firstName, bytes: bytes, digest: digest, entryCount: entryCount))
        if shares.isEmpty, partShares.count == 1 {
            shares = partShares
        } else {
            shares.add(partShares)
        }
    }

    /// Ends the directory.
    package func finish() -> PackedDirectory {
        endPart()
        return PackedDirectory(
            stat: stat, accessList: accessList, time: time, parts: parts,
            digest: digest.of(stat, accessList, parts.lazy.map(\.digest)), shares: shares, linked: linked)
    }
}

extension Digest64 {
    /// The digest of a directory with the parts of these digests.
    func of(_ stat: FileStat, _ accessList: [UInt8]?, _ parts: some Sequence<UInt64>) -> UInt64 {
        var state = of(stat.inode, UInt64(stat.mode) << 32 | UInt64(stat.links))
        state = of(state, UInt64(stat.uid) << 32 | UInt64(stat.gid))
        state = of(state, stat.size)
        state = of(state, stat.blocks)
        state = of(state, UInt64(bitPattern: stat.modified))
        state = of(state, UInt64(bitPattern: stat.changed))
        // That it is known is news, too.
        if let accessList {
            state = of(state, accessList.isEmpty ? 1 : unsafe accessList.withUnsafeBytes { unsafe of($0) })
        }
        for part in parts { state = of(state, part) }
        return state
    }
}

extension [OwnerShare] {
    /// Adds shares, those of one uid and gid together.
    mutating func add(_ others: some Sequence<OwnerShare>) {
        var indices: [UInt64: Int] = [:]
        for other in others {
            let key = UInt64(other.uid) << 32 | UInt64(other.gid)
            let known: Int?
            if count <= 32 {
                known = firstIndex { $0.uid == other.uid && $0.gid == other.gid }
            } else {
                if indices.isEmpty {
                    for (index, share) in enumerated() {
                        indices[UInt64(share.uid) << 32 | UInt64(share.gid)] = index
                    }
                }
                known = indices[key]
            }
            if let known {
                self[known].add(other)
            } else {
                if !indices.isEmpty { indices[key] = count }
                append(other)
            }
        }
    }
}

/// The owners of a part, numbered in the order in which they came.
private struct OwnerTable {
    private struct Owner: Hashable {
        var uid: UInt32
        var gid: UInt32
        var mode: UInt32
    }

    private var owners: [Owner] = []
    /// Filled when a walk over `owners` would be long.
    private var numbers: [Owner: Int] = [:]
    private var last = 0

    mutating func removeAll() {
        owners.removeAll(keepingCapacity: true)
        if !numbers.isEmpty { numbers = [:] }
        last = 0
    }

    mutating func number(uid: UInt32, gid: UInt32, mode: UInt32) -> (Int, isNew: Bool) {
        let owner = Owner(uid: uid, gid: gid, mode: mode)
        if last < owners.count, owners[last] == owner { return (last, false) }
        if owners.count <= 32 {
            if let known = owners.firstIndex(of: owner) {
                last = known
                return (known, false)
            }
        } else {
            if numbers.isEmpty { for (number, owner) in owners.enumerated() { numbers[owner] = number } }
            if let known = numbers[owner] {
                last = known
                return (known, false)
            }
            numbers[owner] = owners.count
        }
        last = owners.count
        owners.append(owner)
        return (last, true)
    }
}

/// The name before, for what two neighbours have in common.
// The memory belongs to the object; names are not longer than it (`DirectoryPacker.add` makes sure).
@safe
private final class PreviousName {
    private let start = UnsafeMutablePointer<UInt8>.allocate(capacity: PackedFormat.longestName)
    var count = 0

    deinit {
        unsafe start.deallocate()
    }

    /// Keeps `name`; how many bytes it begins with that the name before began with too.
    func replace(with name: UnsafeRawBufferPointer) -> Int {
        let most = min(count, name.count)
        var shared = 0
        while shared < most, unsafe start[shared] == name[shared] { shared += 1 }
        if let source = name.baseAddress {
            unsafe UnsafeMutableRawPointer(start + shared).copyMemory(
                from: source + shared, byteCount: name.count - shared)
        }
        count = name.count
        return shared
    }
}
