package import FileEvents

/// Who asks the book.
package enum Viewer: Equatable, Sendable {
    /// Administrators, auditors, the operator: everything.
    case everything
    /// A person, with the gids of all of their groups.
    case person(uid: UInt32, groups: Set<UInt32>)
}

/// What a person may know of a file: what they could find out on a host themselves.
///
/// Decided from the permission bits in the book, as the kernel does: the owner's if they own it, else the group's if they are in it,
/// else everybody's. What the book does not know is refused.
package enum Visibility {
    private static let read: UInt32 = 4
    private static let search: UInt32 = 1

    /// Whether the viewer may know of an entry: they may pass through each of the directories that lead to it.
    ///
    /// - Parameter directories: from the tree's root to the one that holds the entry; nil for one that the book does not know.
    package static func mayKnow(of directories: [FileStat?], _ viewer: Viewer) -> Bool {
        directories.allSatisfy { allows(search, on: $0, viewer) }
    }

    /// Whether the viewer may know of all names in the last of these directories.
    package static func mayList(_ directories: [FileStat?], _ viewer: Viewer) -> Bool {
        guard let last = directories.last else { return viewer == .everything }
        return mayKnow(of: directories, viewer) && allows(read, on: last, viewer)
    }

    private static func allows(_ permission: UInt32, on directory: FileStat?, _ viewer: Viewer) -> Bool {
        guard case .person(let uid, let groups) = viewer else { return true }
        guard let directory, directory.isDirectory else { return false }
        let shift: UInt32 =
            if directory.uid == uid { 6 } else if groups.contains(directory.gid) { 3 } else { 0 }
        return directory.mode >> shift & permission == permission
    }
}
