import Glibc
import Support

/// Trees that are to be walked anew, as empty files in a folder: whoever walks looks there.
package struct RescanRequests: Sendable {
    private let folder: String

    /// - Parameter runtime: the watcher's runtime folder.
    package init(_ runtime: String) {
        folder = runtime + "/rescan"
    }

    /// Asks for a tree to be walked; asking again changes nothing.
    package func add(_ tree: String) {
        guard tree.hasPrefix("/"), tree.utf8.count <= 200, tree == tree.printable else { return }
        _ = unsafe mkdir(folder, 0o700)
        _ = try? Descriptor.open(
            "\(folder)/\(Self.name(of: tree))", O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600)
    }

    /// Whether the tree is to be walked now; the request is taken away, so that what comes while it is walked counts anew.
    package func take(_ tree: String) -> Bool {
        unsafe unlink("\(folder)/\(Self.name(of: tree))") == 0
    }

    /// A path as a file's name.
    private static func name(of tree: String) -> String {
        tree.utf8.reduce(into: "") { name, byte in
            switch byte {
            case UInt8(ascii: "/"): name += "%2F"
            case UInt8(ascii: "%"): name += "%25"
            default: name.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
    }
}
