package import FileEvents

/// How the book knows something.
package enum Basis: String, Sendable, CaseIterable {
    /// A host saw it happen.
    case event
    /// Two looks at a directory differ.
    case scanDiff = "scan-diff"
    /// It is so, and nobody knows since when.
    case stat
}

/// Something that happened to a file, and what is known of it.
package struct FileMoment: Equatable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case created, written, renamed, deleted, linked
        case ownerChanged = "owner-changed"
        case modeChanged = "mode-changed"
        /// A directory that the file was in got another name.
        case directoryRenamed = "directory-renamed"
        /// The inode changed, and nothing that the book keeps did: an ACL or an extended attribute, for example.
        case touched
    }

    package var kind: Kind
    package var basis: Basis
    /// When it happened; of a difference between two scans the latest it can have been. Microseconds since 1970.
    package var time: Int64
    /// Of a difference between two scans: the earliest it can have been.
    package var earliest: Int64?
    package var tree: [UInt8]
    /// Relative to the tree, as it was called before the moment.
    package var path: [UInt8]
    /// What it is called since, for renames.
    package var newPath: [UInt8]?
    /// Owner, group and mode before it.
    package var before: Attributes?
    /// Owner, group and mode after it.
    package var after: Attributes?
    /// The length after it.
    package var size: UInt64?
    /// Who did it; nil: a scan cannot tell.
    package var actor: Actor?
    /// The host on which it was done; nil: unknown.
    package var host: String?
    /// How many events of the kernel it stands for.
    package var count: UInt32

    /// Whose a file is and what one may do with it.
    package struct Attributes: Equatable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        /// As `st_mode`.
        package var mode: UInt32
    }
}

extension FileMoment.Kind {
    init(_ kind: FileEvent.Kind) {
        switch kind {
        case .created, .directoryCreated: self = .created
        case .written: self = .written
        case .renamed, .directoryRenamed: self = .renamed
        case .deleted, .directoryDeleted: self = .deleted
        case .ownerChanged: self = .ownerChanged
        case .modeChanged: self = .modeChanged
        case .linked: self = .linked
        }
    }

    init(_ kind: Change.Kind) {
        switch kind {
        case .created: self = .created
        case .deleted: self = .deleted
        case .renamed: self = .renamed
        case .ownerChanged: self = .ownerChanged
        case .modeChanged: self = .modeChanged
        case .modified: self = .written
        case .touched: self = .touched
        }
    }

    /// Whether the file's contents are of whoever did this.
    package var isWrite: Bool { self == .created || self == .written }
}
