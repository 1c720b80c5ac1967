import Ownership
import Support

/// An absolute path as somebody typed it, or as Gatehouse printed it.
struct FilePath: Equatable {
    /// Without empty parts, `.` and a slash at the end.
    let bytes: [UInt8]

    /// Reads a path.
    ///
    /// - Parameter isEscaped: it is written as Gatehouse shows it: `\n`, `\xff`, `\\`.
    /// - Throws: `UsageError`.
    init(_ text: String, isEscaped: Bool = false) throws(UsageError) {
        guard let raw = isEscaped ? PathText.bytes(of: text) : Array(text.utf8) else {
            throw UsageError(
                "'\(text)' has an escape that does not exist", hint: "there are \\\\, \\n, \\t and \\xNN")
        }
        guard raw.first == UInt8(ascii: "/"), !raw.contains(0) else {
            throw UsageError(
                "'\(text)' is not an absolute path", hint: "write it from the root: /shared/lab/…")
        }
        var parts: [ArraySlice<UInt8>] = []
        for part in raw.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
            guard !part.elementsEqual("..".utf8) else {
                throw UsageError(
                    "'\(text)' goes through '..'",
                    hint: "the book does not follow links; write the path as it is: realpath says it")
            }
            parts.append(part)
        }
        bytes = [UInt8(ascii: "/")] + parts.joined(separator: [UInt8(ascii: "/")])
    }

    /// As people read it.
    var shown: String { PathText.shown(bytes) }

    /// The part below a tree's root; nil when it does not lie in the tree.
    func relative(to tree: [UInt8]) -> [UInt8]? {
        if bytes == tree { return [] }
        if tree == [UInt8(ascii: "/")] { return Array(bytes.dropFirst()) }
        guard bytes.starts(with: tree), bytes[tree.count] == UInt8(ascii: "/") else { return nil }
        return Array(bytes.dropFirst(tree.count + 1))
    }
}

extension [UInt8] {
    /// This tree's root and a path below it.
    func joined(_ path: [UInt8]) -> [UInt8] {
        path.isEmpty ? self : self == [UInt8(ascii: "/")] ? self + path : self + [UInt8(ascii: "/")] + path
    }
}
