/// One directory as a scan found it.
package struct DirectoryReport: Hashable, Sendable {
    /// A name in the directory.
    package struct Entry: Hashable, Sendable {
        package var name: [UInt8]
        package var stat: FileStat

        package init(name: [UInt8], stat: FileStat) {
            self.name = name
            self.stat = stat
        }
    }

    /// A part of a report holds no more entries.
    package static let entryLimit = 2_048

    package var scan: UInt64
    package var tree: [UInt8]
    /// Relative to the tree; empty for its root.
    package var path: [UInt8]
    /// When it was read, in microseconds since 1970.
    package var time: Int64
    /// The directory itself; nil: it is gone.
    package var stat: FileStat?
    /// The directory's ACL as the kernel gives it (`system.posix_acl_access`); empty: the mode says all; nil: unknown.
    package var accessList: [UInt8]?
    /// At most `entryLimit`, in the order of the scan.
    package var entries: [Entry]
    /// A big directory comes in parts 0, 1, …, one after the other.
    package var part: UInt32
    package var isLast: Bool

    package init(
        scan: UInt64, tree: [UInt8], path: [UInt8], time: Int64, stat: FileStat?, accessList: [UInt8]? = nil,
        entries: [Entry] = [], part: UInt32 = 0, isLast: Bool = true
    ) {
        self.scan = scan
        self.tree = tree
        self.path = path
        self.time = time
        self.stat = stat
        self.accessList = accessList
        self.entries = entries
        self.part = part
        self.isLast = isLast
    }
}
