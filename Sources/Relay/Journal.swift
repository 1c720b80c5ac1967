package import Control
package import Support

/// The session's own record of what happens, appended to a file that the daemon opened.
///
/// A record is written before the session goes on, so that it survives the daemon. When it cannot be written the session ends:
/// what cannot be recorded does not happen.
package final class Journal {
    private let file: Descriptor

    /// Whether a record could not be written.
    package private(set) var hasFailed = false

    /// Called after each record that the daemon should hear of at once.
    package var onGrowth: () -> Void = {}

    package init(_ file: Descriptor) {
        self.file = file
    }

    /// Appends a record.
    package func append(_ record: JournalRecord) {
        do {
            try file.writeAll(record.encoded(at: .now))
            onGrowth()
        } catch {
            hasFailed = true
        }
    }
}
