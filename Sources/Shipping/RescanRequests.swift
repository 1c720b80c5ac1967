import Glibc
import Support

/// Trees that are to be walked anew, as small files in a folder: whoever walks looks there.
package struct RescanRequests: Sendable {
    /// What is to be told of the tree.
    package enum Kind: String, Sendable {
        /// What is different since the last walk.
        case differences
        /// Everything: what was told before is lost.
        case whole
    }

    private let folder: String

    /// - Parameter runtime: the watcher's runtime folder.
    package init(_ runtime: String) {
        folder = runtime + "/rescan"
    }

    /// Asks for a tree to be walked; a request for everything is not made less by a later one.
    package func add(_ tree: String, _ kind: Kind = .differences) {
        guard tree.hasPrefix("/"), Self.name(of: tree).utf8.count <= 255 else { return }
        _ = unsafe mkdir(folder, 0o700)
        let path = "\(folder)/\(Self.name(of: tree))"
        let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (kind == .whole ? O_TRUNC : O_EXCL)
        try? Descriptor.open(path, flags, mode: 0o600).writeAll(kind.rawValue.utf8)
    }

    /// Whether the tree is to be walked now; the request is taken away, so that what comes while it is walked counts anew.
    package func take(_ tree: String) -> Kind? {
        let path = "\(folder)/\(Self.name(of: tree))"
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW), unsafe unlink(path) == 0 else {
            return nil
        }
        let contents = (try? file.readAll(limit: 64)) ?? []
        return Kind(rawValue: String(decoding: contents, as: UTF8.self)) ?? .differences
    }

    /// A path as a file's name.
    package static func name(of tree: String) -> String {
        tree.utf8.reduce(into: "") { name, byte in
            switch byte {
            case UInt8(ascii: "/"): name += "%2F"
            case UInt8(ascii: "%"): name += "%25"
            default: name.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
    }
}
