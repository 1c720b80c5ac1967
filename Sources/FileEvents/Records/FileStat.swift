/// What statx(2) says of a file, as far as the book keeps it.
package struct FileStat: Hashable, Sendable {
    package var inode: UInt64
    /// Type and permissions, as `st_mode`.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// Names that lead to the inode.
    package var links: UInt32
    /// The length in bytes.
    package var size: UInt64
    /// What it takes on disk, in units of 512 bytes.
    package var blocks: UInt64
    /// When the contents last changed, in nanoseconds since 1970.
    package var modified: Int64
    /// When the inode last changed, in nanoseconds since 1970.
    package var changed: Int64

    package init(
        inode: UInt64, mode: UInt32, uid: UInt32, gid: UInt32, links: UInt32, size: UInt64, blocks: UInt64,
        modified: Int64, changed: Int64
    ) {
        self.inode = inode
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.links = links
        self.size = size
        self.blocks = blocks
        self.modified = modified
        self.changed = changed
    }
}

extension FileStat {
    /// Whether it is a directory.
    package var isDirectory: Bool { mode & 0o170000 == 0o040000 }
}
