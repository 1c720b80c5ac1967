/// How much there is of something.
package struct Figures: Equatable, Sendable {
    /// Names of everything but directories.
    package var files: Int64 = 0
    package var directories: Int64 = 0
    /// The lengths of the files.
    package var bytes: Int64 = 0
    /// What they take on disk, in units of 512 bytes.
    package var blocks: Int64 = 0

    package init(files: Int64 = 0, directories: Int64 = 0, bytes: Int64 = 0, blocks: Int64 = 0) {
        self.files = files
        self.directories = directories
        self.bytes = bytes
        self.blocks = blocks
    }

    init(_ share: OwnerShare) {
        self.init(
            files: share.files, directories: share.directories, bytes: share.bytes, blocks: share.blocks)
    }

    package static func + (left: Figures, right: Figures) -> Figures {
        Figures(
            files: left.files &+ right.files, directories: left.directories &+ right.directories,
            bytes: left.bytes &+ right.bytes, blocks: left.blocks &+ right.blocks)
    }

    package static func - (left: Figures, right: Figures) -> Figures {
        left
            + Figures(
                files: 0 &- right.files, directories: 0 &- right.directories, bytes: 0 &- right.bytes,
                blocks: 0 &- right.blocks)
    }

    var isZero: Bool { self == Figures() }
}

/// Whose and where.
struct TotalKey: Hashable {
    var tree: TreeID
    var uid: UInt32
    var gid: UInt32
}

/// A row of `own` that is to be written.
struct OwnRow {
    var uid: UInt32
    var directory: DirectoryID
    var share: OwnerShare
}
