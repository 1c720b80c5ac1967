/// What became of one file in a transfer: one row of the event log.
package struct FileOperation: Equatable, Sendable {
    /// What was done, as it is in the event log.
    package enum Kind: String, CaseIterable, Sendable {
        /// A file was opened for reading and closed; how much of it was read is `bytesRead`.
        case read
        /// A file was opened for writing and closed, however little was written.
        case write
        case remove, rename, link, symlink
        /// The host made one file from another (OpenSSH's copy-data).
        case copy
        case makeDirectory = "mkdir"
        case removeDirectory = "rmdir"
        /// Size, owner, mode or times of a file.
        case attributes
        /// A request of a kind that is not known: `path` is its name, and what it did cannot be told.
        case unknown
    }

    package var kind: Kind
    /// The file as the client named it; relative to the user's home where it does not begin with a slash.
    package var path: [UInt8]
    /// The new name of a rename, the other name of a link, what a copy was made from; empty: none.
    package var other: [UInt8] = []
    /// Bytes of the file that the host sent.
    package var bytesRead: UInt64 = 0
    /// Bytes for the file that the host said it has written.
    package var bytesWritten: UInt64 = 0
    /// `ok`, or why not.
    package var result: String
    /// What was asked to be set, like `mode=0644 owner=1000:100`; empty: nothing.
    package var attributes = ""
    /// SHA-256 of the bytes that passed; empty: not asked for, or they did not pass in order from the first to the last.
    package var digest: [UInt8] = []

    package init(_ kind: Kind, path: [UInt8], result: String) {
        self.kind = kind
        self.path = path
        self.result = result
    }
}

extension FileOperation {
    /// When it was done, and the host said so.
    package static let ok = "ok"
    /// When the connection ended before the file was closed or the host answered.
    package static let cut = "cut off"
}
