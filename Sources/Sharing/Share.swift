package import Support

/// Who gets a share.
package enum Grantee: Hashable, Sendable {
    case user(uid: UInt32, name: String)
    case group(gid: UInt32, name: String)

    /// Their Linux name.
    package var name: String {
        switch self {
        case .user(_, let name), .group(_, let name): name
        }
    }

    /// Their uid or gid.
    package var number: UInt32 {
        switch self {
        case .user(let number, _), .group(let number, _): number
        }
    }

    package var isGroup: Bool {
        if case .group = self { true } else { false }
    }
}

/// A file or folder to which somebody besides its owner and group has access, by the owner's will.
package struct Share: Equatable, Sendable {
    package let id: Int64
    /// The tree's path.
    package let tree: String
    /// Below the tree; any bytes but zero, as the file system has them.
    package let path: [UInt8]
    /// The number by which the file system knows it, wherever it is moved.
    package let inode: UInt64
    /// The owner's uid when it was shared.
    package let owner: UInt32
    package let grantee: Grantee
    /// Whether the grantee may write too.
    package let writes: Bool
    /// When it ends by itself; nil: never.
    package let until: Timestamp?
    package let created: Timestamp
    /// Who made it: a user's name, or the operator.
    package let creator: String
    package var ended: Timestamp?

    /// The whole path, for people.
    package var shownPath: String {
        path.isEmpty ? tree : tree + "/" + String(decoding: path, as: UTF8.self)
    }
}

/// What a share gives the one it is for, as the kernel of the host says.
package struct ShareOutcome: Equatable, Sendable {
    package let share: Share
    package let host: String
    package let reads: Bool
    package let writes: Bool
    /// Files and folders that it covers.
    package let count: Int
    /// What lies in the folder and belongs to others: they would have to share it.
    package let others: Int
    /// Members of the group who do not get there all the same: they may not pass a folder on the way.
    package let unreached: Int
}
