package import FileTransfers
import Support

extension FileOperation {
    /// No path is longer in a record, in bytes: PATH_MAX of Linux.
    package static let pathLimit = 4_096

    /// Nor any other text.
    private static let textLimit = 2_048

    /// Without the ends of names that were refused: many of them are not to fill a journal.
    package var shortened: FileOperation {
        guard result != Self.ok else { return self }
        var operation = self
        operation.path = Array(path.prefix(512))
        operation.other = Array(other.prefix(512))
        return operation
    }

    func encode(into out: inout WireWriter) {
        out.string(kind.rawValue)
        out.data(path.prefix(Self.pathLimit))
        out.data(other.prefix(Self.pathLimit))
        out.uint64(bytesRead)
        out.uint64(bytesWritten)
        for text in [result, attributes] {
            out.string(String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self))
        }
        out.data(digest)
    }

    init(from input: inout WireReader) throws(WireError) {
        let name = try input.string()
        guard let kind = Kind(rawValue: name) else { throw WireError("there is no file operation '\(name)'") }
        self.init(kind, path: try input.data(), result: "")
        other = try input.data()
        bytesRead = try input.uint64()
        bytesWritten = try input.uint64()
        result = try input.string()
        attributes = try input.string()
        digest = try input.data()
        guard digest.isEmpty || digest.count == 32 else {
            throw WireError("a digest of \(digest.count) bytes")
        }
    }
}
