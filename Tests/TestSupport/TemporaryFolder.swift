internal import Glibc
package import Support

/// A folder for a database or other files; it goes away with the last reference to it.
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
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        guard unsafe unlink(path) != 0, let folder = unsafe opendir(path) else { return }
        while let item = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &item.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        unsafe closedir(folder)
        _ = unsafe rmdir(path)
    }

    /// The path for a database in the folder; there is nothing yet.
    package var file: String { path + "/gatehouse.db" }
}
