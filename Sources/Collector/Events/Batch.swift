/// What happened to one name within a batch, by one process.
package struct NameChange: Hashable, Sendable {
    /// Where it is, or was when it is no more.
    package var tree: Int
    package var directory: [UInt8]
    package var name: [UInt8]
    /// The directory's handle, to ask for the inode; nil when there is none.
    package var handle: FileHandle?
    /// Whether the directory of `handle` itself is meant, and not a name in it.
    package var isDirectoryItself = false
    /// For renames, where it went; `mask` then tells what happened under the new name.
    package var destination: Destination?
    /// All bits of the kernel's events.
    package var mask: UInt64
    package var pid: UInt32
    /// How many events of the kernel.
    package var count: UInt32

    package struct Destination: Hashable, Sendable {
        package var directory: [UInt8]
        package var name: [UInt8]
        package var handle: FileHandle?

        package init(directory: [UInt8], name: [UInt8], handle: FileHandle?) {
            self.directory = directory
            self.name = name
            self.handle = handle
        }
    }

    package init(
        tree: Int, directory: [UInt8], name: [UInt8], handle: FileHandle? = nil,
        destination: Destination? = nil,
        mask: UInt64, pid: UInt32, count: UInt32 = 1
    ) {
        self.tree = tree
        self.directory = directory
        self.name = name
        self.handle = handle
        self.destination = destination
        self.mask = mask
        self.pid = pid
        self.count = count
    }
}

/// Collects what happens within a batch; changes of one name by one process become one.
package struct Batch {
    private struct Place: Hashable {
        var handle: FileHandle?
        var name: [UInt8]

        func hash(into hasher: inout Hasher) {
            hasher.combine(handle)
            // At once, instead of byte by byte.
            unsafe name.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }

    private struct Key: Hashable {
        var place: Place
        var pid: UInt32
    }

    /// In the order in which the first event of each came.
    package private(set) var changes: [NameChange] = []
    private var latest: [Key: Int] = [:]
    /// Which change took a name away or replaced it: what comes later under that name is of another file.
    private var barriers: [Place: Int] = [:]

    package init() {}

    package var isEmpty: Bool { changes.isEmpty }

    /// Adds an event of one name.
    package mutating func add(_ change: NameChange) {
        let place = Place(handle: change.handle, name: change.name)
        let key = Key(place: place, pid: change.pid)
        if let known = latest[key], known > barriers[place] ?? -1 {
            changes[known].mask |= change.mask
            changes[known].count += change.count
        } else {
            latest[key] = changes.count
            changes.append(change)
        }
        if change.mask & FileNotice.Mask.delete != 0 { barriers[place] = changes.count - 1 }
    }

    /// Adds a rename. What comes next under either name is another change.
    package mutating func addRename(_ change: NameChange) {
        let index = changes.count
        changes.append(change)
        barriers[Place(handle: change.handle, name: change.name)] = index
        if let destination = change.destination {
            barriers[Place(handle: destination.handle, name: destination.name)] = index
        }
    }

    /// Begins the next batch.
    package mutating func removeAll() {
        changes.removeAll(keepingCapacity: true)
        latest.removeAll(keepingCapacity: true)
        barriers.removeAll(keepingCapacity: true)
    }
}
