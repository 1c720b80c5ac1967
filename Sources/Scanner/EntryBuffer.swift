internal import CSupport
internal import FileEvents
internal import Glibc
internal import Ownership

/// The names of one directory and what they lead to, in memory that is used again for the next directory.
// The memory belongs to the object; indices come from `count` and offsets from `add`, which makes room first.
@safe
final class EntryBuffer {
    private struct Entry {
        var nameOffset: Int
        var nameCount: Int
        var device: UInt64
        var stat: FileStat
        var isMount: Bool
    }

    /// The beginning of a name, by which most comparisons are decided, and the entry.
    private struct Key {
        var beginning: UInt64
        var index: Int
    }

    private var names: UnsafeMutablePointer<UInt8>
    private var nameCapacity = 1 << 16
    private var nameCount = 0
    private var entries: UnsafeMutablePointer<Entry>
    private var capacity = 1 << 10
    private(set) var count = 0
    private var keys: [Key] = []

    init() {
        unsafe names = .allocate(capacity: nameCapacity)
        unsafe entries = .allocate(capacity: capacity)
    }

    deinit {
        unsafe names.deallocate()
        unsafe entries.deallocate()
    }

    /// Forgets the entries, and gives back memory that only a huge directory needs.
    func removeAll() {
        count = 0
        nameCount = 0
        keys.removeAll(keepingCapacity: keys.capacity < 1 << 16)
        if capacity > 1 << 16 {
            unsafe entries.deallocate()
            capacity = 1 << 10
            unsafe entries = .allocate(capacity: capacity)
        }
        if nameCapacity > 1 << 21 {
            unsafe names.deallocate()
            nameCapacity = 1 << 16
            unsafe names = .allocate(capacity: nameCapacity)
        }
    }

    /// Adds a name, about which nothing is known yet. A NUL is put behind it.
    func add(_ name: UnsafeRawBufferPointer) {
        if nameCount + name.count + 1 > nameCapacity {
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: nameCapacity * 2 + name.count)
            unsafe larger.update(from: names, count: nameCount)
            unsafe names.deallocate()
            unsafe names = larger
            nameCapacity = nameCapacity * 2 + name.count
        }
        if count == capacity {
            let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
            unsafe larger.update(from: entries, count: count)
            unsafe entries.deallocate()
            unsafe entries = larger
            capacity *= 2
        }
        let stat = FileStat(
            inode: 0, mode: 0, uid: 0, gid: 0, links: 0, size: 0, blocks: 0, modified: 0, changed: 0)
        unsafe (entries + count).initialize(
            to: Entry(nameOffset: nameCount, nameCount: name.count, device: 0, stat: stat, isMount: false))
        if let source = name.baseAddress {
            unsafe memcpy(names + nameCount, source, name.count)
        }
        unsafe names[nameCount + name.count] = 0
        nameCount += name.count + 1
        count += 1
    }

    /// Asks the system about each entry.
    ///
    /// - Parameters:
    ///   - directory: the descriptor of the directory.
    ///   - failed: called with the name and `errno` of an entry that is left out. One that is gone by now is left out without a call.
    func readStats(_ directory: Int32, failed: (_ name: [UInt8], _ number: Int32) -> Void) {
        var kept = 0
        var result = gh_stat()
        for index in 0..<count {
            var entry = unsafe entries[index]
            let name = unsafe names + entry.nameOffset
            let status = unsafe name.withMemoryRebound(to: CChar.self, capacity: entry.nameCount + 1) {
                unsafe gh_stat_beneath(directory, $0, &result)
            }
            guard status == 0 else {
                if status != -ENOENT {
                    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: name, count: entry.nameCount))
                    failed(bytes, -status)
                }
                continue
            }
            entry.stat = FileStat(result)
            entry.device = result.device
            entry.isMount = result.is_mount != 0
            unsafe entries[kept] = entry
            kept += 1
        }
        count = kept
    }

    /// Puts the entries into the order of their names.
    func sort() {
        keys.reserveCapacity(count)
        for index in 0..<count {
            let entry = unsafe entries[index]
            let name = unsafe UnsafeRawBufferPointer(start: names + entry.nameOffset, count: entry.nameCount)
            var beginning: UInt64 = 0
            if name.count >= 8 {
                beginning = unsafe UInt64(bigEndian: name.loadUnaligned(as: UInt64.self))
            } else {
                for position in 0..<name.count {
                    beginning |= UInt64(unsafe name[position]) << UInt64(56 - 8 * position)
                }
            }
            keys.append(Key(beginning: beginning, index: index))
        }
        if count < 2 { return }
        keys.sort { left, right in
            if left.beginning != right.beginning { return left.beginning < right.beginning }
            let (first, second) = unsafe (entries[left.index], entries[right.index])
            let shared = min(first.nameCount, second.nameCount)
            let order = unsafe memcmp(names + first.nameOffset, names + second.nameOffset, shared)
            return order == 0 ? first.nameCount < second.nameCount : order < 0
        }
    }

    /// Packs the entries, which are sorted, and gives the names of the directories that belong to the tree, each with a NUL behind it.
    ///
    /// - Parameters:
    ///   - device: of the directory.
    ///   - rootDevice: of the tree's root; files of other devices get inodes of their own kind.
    func pack(
        with packer: DirectoryPacker, device: UInt64, rootDevice: UInt64, crossesMounts: Bool
    ) -> (directories: [UInt8], mounts: Int) {
        var directories: [UInt8] = []
        var mounts = 0
        for position in 0..<count {
            let index = keys[position].index
            let entry = unsafe entries[index]
            let name = unsafe UnsafeRawBufferPointer(start: names + entry.nameOffset, count: entry.nameCount)
            var stat = entry.stat
            if entry.device != rootDevice { stat.inode = Self.inode(stat.inode, on: entry.device) }
            unsafe packer.add(name, stat)
            guard stat.isDirectory else { continue }
            if !crossesMounts, entry.isMount || entry.device != device {
                mounts += 1
                continue
            }
            unsafe directories.append(contentsOf: name)
            directories.append(0)
        }
        return (directories, mounts)
    }

    /// Inodes of two devices may be equal, and must not be taken for one.
    static func inode(_ inode: UInt64, on device: UInt64) -> UInt64 {
        inode ^ (device &* 0x9E37_79B9_7F4A_7C15) << 24
    }
}

extension FileStat {
    init(_ stat: gh_stat) {
        self.init(
            inode: stat.inode, mode: stat.mode, uid: stat.uid, gid: stat.gid, links: stat.links,
            size: stat.size, blocks: stat.blocks, modified: stat.modified, changed: stat.changed)
    }
}
