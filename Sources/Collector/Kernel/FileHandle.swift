/// What the kernel calls an inode of a file system: a number of the file system, a type and some bytes.
package struct FileHandle: Hashable, Sendable {
    package let fileSystem: UInt64
    package let type: Int32
    private let count: UInt8
    // Handles of up to 32 bytes, all that are common, lie here and cost no allocation.
    private let words: (UInt64, UInt64, UInt64, UInt64)
    private let rest: [UInt8]?

    /// No handle is longer, in bytes (MAX_HANDLE_SZ).
    package static let limit = 128

    /// - Parameter bytes: at most `limit`.
    package init(fileSystem: UInt64, type: Int32, bytes: some RandomAccessCollection<UInt8>) {
        func word(_ index: Int) -> UInt64 {
            bytes.dropFirst(8 * index).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(
            fileSystem: fileSystem, type: type, count: bytes.count,
            words: (word(0), word(1), word(2), word(3)), rest: Array(bytes.dropFirst(32)))
    }

    /// - Parameters:
    ///   - words: the first 32 bytes, little-endian, zero behind the end.
    ///   - rest: what follows them.
    init(
        fileSystem: UInt64, type: Int32, count: Int, words: (UInt64, UInt64, UInt64, UInt64), rest: [UInt8]
    ) {
        self.fileSystem = fileSystem
        self.type = type
        self.count = UInt8(min(count, Self.limit))
        self.words = words
        self.rest = rest.isEmpty ? nil : Array(rest.prefix(Self.limit - 32))
    }

    /// The handle's bytes as the kernel gave them.
    package var bytes: [UInt8] {
        let all = [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
        }
        return Array((all + (rest ?? [])).prefix(Int(count)))
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.words == right.words && left.count == right.count && left.type == right.type
            && left.fileSystem == right.fileSystem && left.rest == right.rest
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}
