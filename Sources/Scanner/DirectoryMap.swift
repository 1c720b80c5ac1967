internal import Ownership

/// Which directories the book has where, and with what in them: found without asking the database. 20 bytes a slot.
struct DirectoryMap {
    private var keys: [UInt64]
    private var digests: [UInt64]
    private var ids: [UInt32]
    private var count = 0
    private let digest: Digest64

    init(capacity: Int, digest: Digest64) {
        self.digest = digest
        // At most three quarters full.
        var slots = 1_024
        while slots < capacity + capacity / 3 { slots *= 2 }
        keys = [UInt64](repeating: 0, count: slots)
        digests = keys
        ids = [UInt32](repeating: 0, count: slots)
    }

    /// Adds a directory. False: it cannot be kept here, and must be looked up in the book.
    mutating func add(_ id: DirectoryID, _ name: [UInt8], in parent: DirectoryID, _ digest: UInt64) -> Bool {
        guard let short = UInt32(exactly: id), short != 0, count < keys.count - keys.count / 8 else {
            return false
        }
        let key = key(name, parent)
        var slot = Int(truncatingIfNeeded: key) & (keys.count - 1)
        while ids[slot] != 0 {
            if keys[slot] == key {
                // Two places with one key, by chance: neither can be told from the other here.
                ids[slot] = .max
                return false
            }
            slot = (slot + 1) & (keys.count - 1)
        }
        keys[slot] = key
        digests[slot] = digest
        ids[slot] = short
        count += 1
        return true
    }

    /// The directory that was at a place when the map was made.
    func find(_ name: [UInt8], in parent: DirectoryID) -> (id: DirectoryID, digest: UInt64)? {
        let key = key(name, parent)
        var slot = Int(truncatingIfNeeded: key) & (keys.count - 1)
        while ids[slot] != 0 {
            if keys[slot] == key { return ids[slot] == .max ? nil : (DirectoryID(ids[slot]), digests[slot]) }
            slot = (slot + 1) & (keys.count - 1)
        }
        return nil
    }

    private func key(_ name: [UInt8], _ parent: DirectoryID) -> UInt64 {
        let hash = unsafe name.withUnsafeBytes { unsafe digest.of($0) }
        return digest.of(hash, UInt64(bitPattern: parent))
    }
}
