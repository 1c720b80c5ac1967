/// One change of one name in a tree, as a host saw it.
package struct FileEvent: Hashable, Sendable {
    package enum Kind: UInt8, Sendable, CaseIterable {
        case created, written, renamed, deleted
        case ownerChanged
        /// Mode, ACL or an extended attribute.
        case modeChanged
        /// Another name for an inode that has one.
        case linked
        case directoryCreated, directoryDeleted, directoryRenamed
    }

    /// When the host read it, in microseconds since 1970: at most a batch (20 ms) after it happened, unless the host was busy.
    package var time: Int64
    package var kind: Kind
    /// The tree's root, an absolute path.
    package var tree: [UInt8]
    /// The directory, relative to the tree: empty for the root itself; any byte but NUL; never normalised.
    package var directory: [UInt8]
    /// The name in the directory; empty for the tree's root itself.
    package var name: [UInt8]
    /// Where it went, for renames within the tree.
    package var destination: Destination?
    /// The inode after the event, where it could still be asked.
    package var stat: FileStat?
    /// The ACL of a directory, as in `DirectoryReport`; nil: unknown, or not a directory.
    package var accessList: [UInt8]?
    package var actor: Actor
    /// How many events of the kernel this one stands for.
    package var count: UInt32

    /// The new place of what was renamed.
    package struct Destination: Hashable, Sendable {
        package var directory: [UInt8]
        package var name: [UInt8]

        package init(directory: [UInt8], name: [UInt8]) {
            self.directory = directory
            self.name = name
        }
    }

    package init(
        time: Int64, kind: Kind, tree: [UInt8], directory: [UInt8], name: [UInt8],
        destination: Destination? = nil, stat: FileStat? = nil, accessList: [UInt8]? = nil, actor: Actor,
        count: UInt32 = 1
    ) {
        self.time = time
        self.kind = kind
        self.tree = tree
        self.directory = directory
        self.name = name
        self.destination = destination
        self.stat = stat
        self.accessList = accessList
        self.actor = actor
        self.count = count
    }
}
