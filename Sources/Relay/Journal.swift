package import Control
import FileTransfers
package import Support

/// The session's own record of what happens, appended to a file that the daemon opened.
///
/// A record is written before the session goes on, so that it survives the daemon. When it cannot be written the session ends:
/// what cannot be recorded does not happen.
package final class Journal {
    /// Bytes of the journal that file operations may take; the rest of its 64 MiB is for everything else.
    private static let fileShare = 48 << 20

    private let file: Descriptor
    private var fileBytes = 0

    /// Whether a record could not be written.
    package private(set) var hasFailed = false

    /// Called after each record that the daemon should hear of at once.
    package var onGrowth: () -> Void = {}

    package init(_ file: Descriptor) {
        self.file = file
    }

    /// Appends a record.
    package func append(_ record: JournalRecord) {
        append(record.encoded(at: .now))
    }

    /// Appends what became of a file.
    ///
    /// - Returns: false: there is no room left for files.
    func append(_ operation: FileOperation) -> Bool {
        let bytes = JournalRecord.fileOperation(operation.shortened).encoded(at: .now)
        guard fileBytes + bytes.count <= Self.fileShare else { return false }
        fileBytes += bytes.count
        append(bytes)
        return true
    }

    private func append(_ bytes: [UInt8]) {
        do {
            try file.writeAll(bytes)
            onGrowth()
        } catch {
            hasFailed = true
        }
    }
}
