import Glibc
import Support

/// Folders of the program itself.
enum Folder {
    /// Makes a folder that only its owner may enter, and those above it that are missing.
    ///
    /// - Throws: `SystemError` of mkdir(2).
    static func make(_ path: String) throws(SystemError) {
        var built = ""
        for part in path.split(separator: "/") {
            built += "/\(part)"
            let result = unsafe mkdir(built, 0o700)
            if result != 0, errno != EEXIST { throw SystemError("mkdir \(built)") }
        }
    }

    /// The names in a folder, in no order; those that are not UTF-8 are left out.
    ///
    /// - Throws: `SystemError` of opendir(3).
    static func names(_ path: String) throws(SystemError) -> [String] {
        guard let listing = unsafe opendir(path) else { throw SystemError("opendir \(path)") }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { raw in
                unsafe String(validating: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
