/// How a host watches a tree from a moment on.
package struct Coverage: Hashable, Sendable {
    package enum Extent: UInt8, Sendable, CaseIterable {
        /// Not at all: only scans tell of it.
        case none
        /// Files that this host wrote and closed; no renames, deletions, or changes of owner and mode.
        case closedWrites
        /// Every change that goes through this host.
        case everything
    }

    package var tree: [UInt8]
    package var extent: Extent
    /// The file system's kind, such as `ext4` or `nfs4`.
    package var fileSystem: String
    /// Since when, in microseconds since 1970.
    package var time: Int64

    package init(tree: [UInt8], extent: Extent, fileSystem: String, time: Int64) {
        self.tree = tree
        self.extent = extent
        self.fileSystem = fileSystem
        self.time = time
    }
}
