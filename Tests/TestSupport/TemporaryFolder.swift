internal import Glibc
package import Support

/// A folder with room for one database; it goes away with the last reference to it.
package final class TemporaryFolder: Sendable {
    /// The folder's path.
    package let path: String

    /// - Throws: `SystemError` of mkdtemp(3).
    package init() throws(SystemError) {
        var template = Array("/tmp/gatehouse-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // SQLite's three files are all that is ever in it.
        for suffix in ["", "-wal", "-shm"] { _ = unsafe unlink(file + suffix) }
        _ = unsafe rmdir(path)
    }

    /// The path for a database in the folder; there is nothing yet.
    package var file: String { path + "/gatehouse.db" }
}
