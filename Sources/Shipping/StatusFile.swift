import Control
import Glibc
package import Support

/// What the collector says of itself for others to see: a line for each figure, replaced by a rename.
package struct StatusFile: Equatable, Sendable {
    package static let name = "status"
    /// Older than this, and the collector does not run.
    package static let lifetime = Duration.seconds(30)
    private static let fileLimit = 256 * 1_024

    /// When the collector was started, in milliseconds since the epoch.
    package var since: UInt64 = 0
    package var events: UInt64 = 0
    package var gaps: UInt64 = 0
    /// What is watched, by path.
    package var trees: [String] = []

    package init() {}

    /// Reads what the file holds; lines that are not known are passed over.
    package init(_ contents: [UInt8]) {
        for line in String(decoding: contents, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "since": since = UInt64(words[1]) ?? 0
            case "events": events = UInt64(words[1]) ?? 0
            case "gaps": gaps = UInt64(words[1]) ?? 0
            case "tree": trees.append(String(words[1]))
            default: break
            }
        }
    }

    /// What stands in the file.
    package var text: String {
        "since \(since)\nevents \(events)\ngaps \(gaps)\n" + trees.map { "tree \($0)\n" }.joined()
    }

    /// Reads the file of a collector that runs; nil where none has written lately.
    package static func read(in folder: String, at now: Timestamp = .now) -> StatusFile? {
        guard let file = try? Descriptor.open("\(folder)/\(name)", O_RDONLY | O_NOFOLLOW) else { return nil }
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0 else { return nil }
        let written = Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1_000)
        guard now < written + lifetime, let contents = try? file.readAll(limit: fileLimit) else { return nil }
        return StatusFile(contents)
    }

    /// Puts it into the folder in one step.
    ///
    /// - Throws: `SystemError`.
    package func write(in folder: String) throws(SystemError) {
        let new = "\(folder)/.\(Self.name).new"
        try Descriptor.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644).writeAll(text.utf8)
        try SystemError.check(unsafe rename(new, "\(folder)/\(Self.name)"), "rename \(new)")
    }
}
