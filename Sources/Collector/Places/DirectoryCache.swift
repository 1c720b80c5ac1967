/// Where directories are: handles of the kernel as paths within trees, followed through renames.
///
/// Does no input or output of its own; what is not known is asked of a resolver.
package struct DirectoryCache {
    /// Where a directory is.
    package enum Location: Hashable, Sendable {
        /// In a tree, by the tree's number; the path is relative, empty for the root.
        case inside(tree: Int, path: [UInt8])
        case outside
        /// It cannot be found: it was removed before anybody asked.
        case gone
    }

    private struct Node {
        var location: Location
        /// How many renames are in `location` already.
        var renames: Int
        /// Renames of this batch are in `location` already, whatever their number: it was asked for after they happened.
        var batch: Int
    }

    private struct Rename {
        var tree: Int
        var from: [UInt8]
        var to: Location
        var batch: Int
    }

    /// So many directories are remembered; then it begins anew.
    package static let limit = 16_384
    /// So many renames are followed; directories that missed more are asked for again.
    private static let renameLimit = 1_024

    private var nodes: [FileHandle: Node] = [:]
    private var renames: [Rename] = []
    private var batch = 0
    private var removed: [FileHandle] = []

    package init() {}

    package var count: Int { nodes.count }

    /// Where a directory is now, as far as the events read so far tell.
    package mutating func location(
        of handle: FileHandle, resolve: (FileHandle) -> Location
    ) -> Location {
        if var node = nodes[handle] {
            if node.renames == renames.count { return node.location }
            for rename in renames[node.renames...] where rename.batch != node.batch {
                node.location = Self.moved(node.location, by: rename)
            }
            node.renames = renames.count
            nodes[handle] = node
            return node.location
        }
        if nodes.count >= Self.limit { forgetAll() }
        let location = resolve(handle)
        nodes[handle] = Node(location: location, renames: renames.count, batch: batch)
        return location
    }

    private static func moved(_ location: Location, by rename: Rename) -> Location {
        guard case .inside(let tree, let path) = location, tree == rename.tree,
            path.starts(with: rename.from),
            path.count == rename.from.count || path[rename.from.count] == 0x2F
        else { return location }
        guard case .inside(let newTree, let newPath) = rename.to else { return rename.to }
        return .inside(tree: newTree, path: newPath + path[rename.from.count...])
    }

    /// A directory was made here: its children can be told without asking.
    package mutating func add(_ handle: FileHandle, at location: Location) {
        if nodes.count >= Self.limit { forgetAll() }
        nodes[handle] = Node(location: location, renames: renames.count, batch: -1)
    }

    /// A directory was renamed; everything below it moves along.
    package mutating func rename(_ handle: FileHandle?, from old: Location, to new: Location) {
        if case .inside(let tree, let path) = old {
            if renames.count >= Self.renameLimit { forgetAll() }
            renames.append(Rename(tree: tree, from: path, to: new, batch: batch))
        } else {
            // What came into a tree has brought along directories that are remembered as outside.
            nodes = nodes.filter { $0.value.location != old }
        }
        if let handle { nodes[handle] = Node(location: new, renames: renames.count, batch: -1) }
    }

    /// A directory was removed. Events that happened before may still come until the batch ends.
    package mutating func remove(_ handle: FileHandle) { removed.append(handle) }

    /// A batch is done.
    package mutating func endBatch() {
        batch += 1
        for handle in removed { nodes[handle] = nil }
        removed.removeAll(keepingCapacity: true)
    }

    /// Forgets everything, such as after a mount was replaced.
    package mutating func forgetAll() {
        nodes.removeAll(keepingCapacity: true)
        renames.removeAll(keepingCapacity: true)
    }
}
