/// What the kernel calls an inode of a file system: a number of the file system, a type and some bytes.
package struct FileHandle: Hashable, Sendable {
    package let fileSystem: UInt64
    package let type: Int32
    private let count: UInt8
    // Handles of up to 32 bytes, all that are common, lie here and cost no allocation.
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0
    private var fourth: UInt64 = 0
    private let rest: [UInt8]

    /// No handle is longer, in bytes (MAX_HANDLE_SZ).
    package static let limit = 128

    /// - Parameter bytes: at most `limit`.
    package init(fileSystem: UInt64, type: Int32, bytes: some Collection<UInt8>) {
        self.fileSystem = fileSystem
        self.type = type
        count = UInt8(min(bytes.count, Self.limit))
        rest = bytes.count > 32 ? Array(bytes.dropFirst(32).prefix(Self.limit - 32)) : []
        for (index, byte) in bytes.prefix(32).enumerated() {
            let part = UInt64(byte) << UInt64(8 * (index & 7))
            switch index >> 3 {
            case 0: first |= part
            case 1: second |= part
            case 2: third |= part
            default: fourth |= part
            }
        }
    }

    /// The handle's bytes as the kernel gave them.
    package var bytes: [UInt8] {
        let all = [first, second, third, fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
        }
        return Array((all + rest).prefix(Int(count)))
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(first)
        hasher.combine(second)
    }
}
