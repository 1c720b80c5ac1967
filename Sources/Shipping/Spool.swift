import Glibc
package import Support

/// The folder where sealed segments wait for the gateway, as the one who sends them sees it.
///
/// A segment's name is its stream, a dash and its number in 16 hexadecimal digits; what has that name is whole.
package struct Spool: Sendable {
    private static let suffix = ".segment"
    /// Where segments go that the gateway will never take.
    private static let refusedFolder = "refused"
    /// Of those, this many are kept.
    private static let refusedLimit = 16

    private let path: String

    package init(_ path: String) {
        self.path = path
    }

    /// A segment that waits.
    package struct Entry: Hashable, Sendable, Comparable {
        /// Its file's name.
        package let name: String
        /// Chains are independent of each other.
        package let stream: String
        package let number: UInt64

        /// Takes a file's name apart; nil for anything but a sealed segment's.
        package init?(_ name: String) {
            let words = name.split(separator: "-", omittingEmptySubsequences: false)
            guard words.count == 2, name.hasSuffix(Spool.suffix), !words[0].isEmpty,
                words[0].utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }),
                words[1].utf8.count == 16 + Spool.suffix.utf8.count,
                let number = UInt64(words[1].prefix(16), radix: 16)
            else { return nil }
            self.name = name
            stream = String(words[0])
            self.number = number
        }

        package static func < (left: Entry, right: Entry) -> Bool {
            (left.stream, left.number) < (right.stream, right.number)
        }
    }

    /// What waits, each stream from its oldest on; nothing where there is no folder yet.
    package func entries() -> [Entry] {
        Listing.names(in: path).compactMap { Entry($0) }.sorted()
    }

    /// How many bytes wait in these.
    package func byteCount(of entries: [Entry]) -> UInt64 {
        entries.reduce(0) { sum, entry in
            var status = stat()
            guard unsafe stat("\(path)/\(entry.name)", &status) == 0 else { return sum }
            return sum + UInt64(clamping: status.st_size)
        }
    }

    /// - Throws: `SystemError`, with EFBIG for what cannot be a segment.
    package func read(_ entry: Entry, limit: Int) throws(SystemError) -> [UInt8] {
        try Descriptor.open("\(path)/\(entry.name)", O_RDONLY | O_NOFOLLOW).readAll(limit: limit)
    }

    /// Forgets a segment that the gateway has.
    package func remove(_ entry: Entry) {
        unsafe unlink("\(path)/\(entry.name)")
    }

    /// Puts a segment aside that will never be taken; the oldest of those go when there are many.
    package func putAside(_ entry: Entry) {
        let folder = "\(path)/\(Self.refusedFolder)"
        _ = unsafe mkdir(folder, 0o700)
        let old = Spool(folder).entries().filter { $0.stream == entry.stream }
        for each in old.dropLast(Self.refusedLimit - 1) { Spool(folder).remove(each) }
        _ = unsafe rename("\(path)/\(entry.name)", "\(folder)/\(entry.name)")
    }
}
