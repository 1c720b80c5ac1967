import Glibc
package import Support

/// The folder of recordings, as the daemon sees it.
package struct RecordingFolder: Sendable {
    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    /// The recordings that are there, in order; other files are passed over.
    ///
    /// - Throws: `SystemError`.
    package func names() throws(SystemError) -> [RecordingName] {
        guard let stream = unsafe opendir(path) else { throw SystemError("open \(path)") }
        defer { unsafe closedir(stream) }
        var names: [RecordingName] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name = RecordingName(name) { names.append(name) }
        }
        return names.sorted()
    }

    /// Waits until what files there are is on the disk.
    ///
    /// - Throws: `SystemError` of open(2) and fsync(2).
    package func sync() throws(SystemError) {
        try Descriptor.open(path, O_RDONLY | O_DIRECTORY).sync()
    }

    /// Opens a recording for reading.
    ///
    /// - Throws: `SystemError`: ENOENT when there is none.
    package func open(_ name: RecordingName) throws(SystemError) -> Descriptor {
        try Descriptor.open("\(path)/\(name)", O_RDONLY | O_NOFOLLOW)
    }
}
