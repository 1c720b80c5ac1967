import Glibc
import Support

extension Configuration {
    /// Reads a file and what it includes.
    ///
    /// - Throws: `ConfigurationError` with all that is wrong, each as `FILE line N: what`.
    package static func load(path: String) throws(ConfigurationError) -> Configuration {
        try ConfigurationReader.read(path) { path throws(SystemError) in
            try Descriptor.open(path, O_RDONLY).readAll(limit: ConfigurationReader.fileLimit)
        }
    }

    /// Reads `contents` as the file `path`; other files are not there.
    ///
    /// - Throws: `ConfigurationError`, as `load(path:)`.
    package static func parse(
        _ contents: [UInt8], path: String = Configuration.defaultPath
    ) throws(ConfigurationError) -> Configuration {
        try parse(files: [path: contents], path: path)
    }

    /// Reads the file `path` of `files`, which it may include by their names.
    ///
    /// - Throws: `ConfigurationError`, as `load(path:)`.
    package static func parse(
        files: [String: [UInt8]], path: String
    ) throws(ConfigurationError) -> Configuration {
        try ConfigurationReader.read(path) { path throws(SystemError) in
            guard let contents = files[path] else { throw SystemError("open \(path)", number: ENOENT) }
            return contents
        }
    }
}
