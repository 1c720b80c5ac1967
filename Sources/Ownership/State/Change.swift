package import FileEvents

/// The number of a directory in the book; it keeps it when it is renamed.
package typealias DirectoryID = Int64

/// A difference between two looks at a name in a directory.
package struct Change: Equatable, Sendable {
    package enum Kind: Int64, Sendable, CaseIterable {
        case created = 1, deleted, renamed
        /// Another uid or gid.
        case ownerChanged
        /// Other permission bits.
        case modeChanged
        /// Another length or modification time.
        case modified
        /// Nothing but the inode's change time differs: an ACL, an extended attribute, a link, or what was undone since.
        case touched
    }

    package var kind: Kind
    /// Where the name is; for `renamed` the new place.
    package var directory: DirectoryID
    package var name: [UInt8]
    /// What was known before; nil when it is new. Times, size and links of a directory are 0 in it.
    package var old: FileStat?
    /// What is known now; nil when it is gone.
    package var new: FileStat?
    /// For `renamed`: the place before.
    package var origin: Place?

    /// A name in a directory of the book.
    package struct Place: Hashable, Sendable {
        package var directory: DirectoryID
        package var name: [UInt8]

        package init(directory: DirectoryID, name: [UInt8]) {
            self.directory = directory
            self.name = name
        }
    }

    package init(
        _ kind: Kind, _ directory: DirectoryID, _ name: [UInt8], old: FileStat? = nil, new: FileStat? = nil,
        origin: Place? = nil
    ) {
        self.kind = kind
        self.directory = directory
        self.name = name
        self.old = old
        self.new = new
        self.origin = origin
    }
}

extension Change {
    /// The differences between two states of one directory.
    ///
    /// A name that leads to another inode is one that was deleted and one that was created. A name that went and one that came with
    /// the same inode, type, length and modification time is one that was renamed.
    /// - Parameters: `old` and `new` are sorted by name, each name once.
    static func between(_ old: [FileEntry], _ new: [FileEntry], in directory: DirectoryID) -> [Change] {
        var changes: [Change] = []
        var gone: [FileEntry] = []
        var came: [FileEntry] = []
        var before = old[...]
        var after = new[...]
        while true {
            guard let left = before.first else {
                came += after
                break
            }
            guard let right = after.first else {
                gone += before
                break
            }
            if left.name == right.name {
                before.removeFirst()
                after.removeFirst()
                if left.stat.isSameFile(as: right.stat) {
                    changes += differences(left.stat, right, in: directory)
                } else {
                    gone.append(left)
                    came.append(right)
                }
            } else if precedes(left.name, right.name) {
                gone.append(left)
                before.removeFirst()
            } else {
                came.append(right)
                after.removeFirst()
            }
        }
        return changes + moves(&gone, &came, in: directory)
            + gone.map { Change(.deleted, directory, $0.name, old: $0.stat) }
            + came.map { Change(.created, directory, $0.name, new: $0.stat) }
    }

    /// What differs in a file that kept its name: any of owner, mode and contents, each a change.
    static func differences(_ old: FileStat, _ new: FileEntry, in directory: DirectoryID) -> [Change] {
        if old == new.stat { return [] }
        var changes = handovers(old, new, in: directory)
        // A directory's entry has no times; they are with the directory itself.
        if new.stat.isDirectory { return changes }
        if old.size != new.stat.size || old.modified != new.stat.modified {
            changes.append(Change(.modified, directory, new.name, old: old, new: new.stat))
        }
        if changes.isEmpty, old.changed != new.stat.changed {
            changes.append(Change(.touched, directory, new.name, old: old, new: new.stat))
        }
        return changes
    }

    /// What differs in who may do what: owner and mode, each a change.
    static func handovers(_ old: FileStat, _ new: FileEntry, in directory: DirectoryID) -> [Change] {
        var changes: [Change] = []
        if old.uid != new.stat.uid || old.gid != new.stat.gid {
            changes.append(Change(.ownerChanged, directory, new.name, old: old, new: new.stat))
        }
        if old.mode != new.stat.mode {
            changes.append(Change(.modeChanged, directory, new.name, old: old, new: new.stat))
        }
        return changes
    }

    /// Takes out of both lists what has only another name now.
    private static func moves(
        _ gone: inout [FileEntry], _ came: inout [FileEntry], in directory: DirectoryID
    ) -> [Change] {
        if gone.isEmpty || came.isEmpty { return [] }
        var byInode: [UInt64: FileEntry] = [:]
        for entry in gone { byInode[entry.stat.inode] = entry }
        var moved: Set<[UInt8]> = []
        var changes: [Change] = []
        came.removeAll { entry in
            guard let before = byInode[entry.stat.inode], before.name != entry.name,
                entry.stat.mayBeMoved(from: before.stat), moved.insert(before.name).inserted
            else { return false }
            changes.append(
                Change(
                    .renamed, directory, entry.name, old: before.stat, new: entry.stat,
                    origin: Place(directory: directory, name: before.name)))
            changes += handovers(before.stat, entry, in: directory)
            return true
        }
        gone.removeAll { moved.contains($0.name) }
        return changes
    }
}

extension FileStat {
    static let typeMask: UInt32 = 0o170000

    /// The same inode with the same type.
    func isSameFile(as other: FileStat) -> Bool {
        inode == other.inode && (mode ^ other.mode) & Self.typeMask == 0
    }

    /// Whether a file that came elsewhere is one that went: inodes are used again at once, so contents must be the same too.
    func mayBeMoved(from other: FileStat) -> Bool {
        isSameFile(as: other) && (isDirectory || (size == other.size && modified == other.modified))
    }
}
