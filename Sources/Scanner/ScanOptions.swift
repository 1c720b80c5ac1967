/// How a tree is scanned.
package struct ScanOptions: Equatable, Sendable {
    /// Directories that are read at the same time.
    package var threads = 4
    /// Whether file systems mounted below the root belong to the tree.
    package var crossesMounts = false
    /// Entries a second at the most; nil: as fast as it goes.
    package var entriesPerSecond: Int?
    /// What a directory costs besides its entries: the calls to a server, where the entries cost none.
    package var directoryCost = 1
    /// What an entry costs.
    package var entryCost = 1
    /// What a kill loses at the most.
    package var directoriesPerTransaction = 20_000
    /// Above so many directories the scan looks them up in the book instead of memory; each takes 27 to 54 bytes there.
    package var mapLimit = 6_000_000
    /// Report directories that did not change, too.
    package var reportsEverything = false

    package init() {}
}

/// Why a scan could not be done or could not go on.
package struct ScanError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The root is not a directory, or not there, or cannot be read.
        case badRoot
        /// Another scan of this tree is at work.
        case busy
        /// The file system could not be mounted for the scan.
        case cannotMount
        /// It was asked to stop; the next one goes on from there.
        case stopped
    }

    package let code: Code
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}
