internal import Ownership

/// A directory that is to be read or being read.
// `id` and `parent` belong to the thread that writes the book; everything else never changes.
final class PendingDirectory: @unchecked Sendable {
    /// Nil for the root, and when the book has the directory: a chain of very many would be too much to let go of at once.
    var parent: PendingDirectory?
    /// Relative to the tree; empty for the root.
    let path: [UInt8]
    /// Where the last name begins in `path`.
    let nameStart: Int
    /// The order in which work was given out.
    let serial: Int
    /// The directory in the book; 0 until it is there.
    var id: DirectoryID = 0

    /// The root, or a directory that the book has.
    init(path: [UInt8] = [], id: DirectoryID = 0, serial: Int) {
        parent = nil
        self.path = path
        nameStart = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        self.id = id
        self.serial = serial
    }

    init(_ name: some Collection<UInt8>, in parent: PendingDirectory, serial: Int) {
        self.parent = parent
        self.serial = serial
        if parent.path.isEmpty {
            path = Array(name)
            nameStart = 0
        } else {
            var path = parent.path
            path.reserveCapacity(path.count + 1 + name.count)
            path.append(UInt8(ascii: "/"))
            path.append(contentsOf: name)
            self.path = path
            nameStart = parent.path.count + 1
        }
    }

    var name: [UInt8] { Array(path[nameStart...]) }
}

/// The directories in a directory that are still to be read.
struct PendingNames: Sendable {
    let parent: PendingDirectory
    /// Sorted, each with a NUL behind it.
    let names: [UInt8]
    private(set) var offset = 0

    init(parent: PendingDirectory, names: [UInt8]) {
        self.parent = parent
        self.names = names
    }

    var isEmpty: Bool { offset == names.count }

    /// The next name; there must be one.
    var next: ArraySlice<UInt8> {
        let end = names[offset...].firstIndex(of: 0) ?? names.count
        return names[offset..<end]
    }

    mutating func removeFirst() -> ArraySlice<UInt8> {
        let name = next
        offset = name.endIndex + 1
        return name
    }
}
