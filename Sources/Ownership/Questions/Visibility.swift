/// Who asks the book.
package enum Viewer: Equatable, Sendable {
    /// Administrators, auditors, the operator: everything.
    case everything
    /// A person, with the gids of all of their groups.
    case person(uid: UInt32, groups: Set<UInt32>)
}

/// What a person may know of a file: what they could find out on a host themselves.
///
/// Decided from the permissions and ACLs of directories in the book, as the kernel does. What the book does not know is refused.
package enum Visibility {
    /// Whether the viewer may know of an entry: they may pass through each of the directories that lead to it.
    ///
    /// - Parameter directories: from the tree's root to the one that holds the entry; nil for one that the book does not know.
    package static func mayKnow(of directories: [DirectoryPermissions?], _ viewer: Viewer) -> Bool {
        directories.allSatisfy { allows(.search, on: $0, viewer) }
    }

    /// Whether the viewer may know of all names in the last of these directories.
    package static func mayList(_ directories: [DirectoryPermissions?], _ viewer: Viewer) -> Bool {
        guard let last = directories.last else { return viewer == .everything }
        return mayKnow(of: directories, viewer) && allows(.read, on: last, viewer)
    }

    private static func allows(
        _ permission: AccessRules.Permission, on directory: DirectoryPermissions?, _ viewer: Viewer
    ) -> Bool {
        guard case .person(let uid, let groups) = viewer else { return true }
        return directory?.allows(permission, uid: uid, groups: groups) ?? false
    }
}

extension DirectoryPermissions {
    /// Whether somebody may pass or list the directory; false where it is not known.
    func allows(_ permission: AccessRules.Permission, uid: UInt32, groups: Set<UInt32>) -> Bool {
        guard mode & 0o170000 == 0o040000 else { return false }
        func bits(_ shift: UInt32) -> Bool { mode >> shift & permission.rawValue != 0 }
        // The owner's permissions are the same in the mode and in the ACL.
        if uid == self.uid { return bits(6) }
        // The kernel asks no ACL when the mask, which is the group's part of the mode, is empty.
        if accessList?.isEmpty ?? false || mode & 0o070 == 0 { return bits(groups.contains(gid) ? 3 : 0) }
        let rules = accessList.flatMap(AccessRules.init)
        return rules?.allows(permission, uid: uid, owningGroup: gid, groups: groups) ?? false
    }
}
