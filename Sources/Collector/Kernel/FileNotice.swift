/// One event of fanotify(7), taken apart.
package struct FileNotice: Hashable, Sendable {
    /// A name in a directory.
    package struct Place: Hashable, Sendable {
        package var directory: FileHandle
        /// `.` means the directory itself.
        package var name: [UInt8]

        package init(directory: FileHandle, name: [UInt8]) {
            self.directory = directory
            self.name = name
        }
    }

    /// The bits of `mask` that are used.
    package enum Mask {
        package static let modify: UInt64 = 0x2
        package static let attributes: UInt64 = 0x4
        package static let closeWrite: UInt64 = 0x8
        package static let create: UInt64 = 0x100
        package static let delete: UInt64 = 0x200
        package static let overflow: UInt64 = 0x4000
        package static let rename: UInt64 = 0x1000_0000
        package static let directory: UInt64 = 0x4000_0000
    }

    package var mask: UInt64
    /// Of the process, as this process sees it; 0: it cannot be seen from here.
    package var pid: UInt32
    /// An open file in the mode without names, which belongs to whoever reads this; -1: none.
    package var descriptor: Int32
    /// Where it happened; for renames, where it was.
    package var place: Place?
    /// For renames, where it is now.
    package var newPlace: Place?
    /// The inode that the name leads or led to.
    package var target: FileHandle?

    package init(
        mask: UInt64, pid: UInt32, descriptor: Int32 = -1, place: Place? = nil, newPlace: Place? = nil,
        target: FileHandle? = nil
    ) {
        self.mask = mask
        self.pid = pid
        self.descriptor = descriptor
        self.place = place
        self.newPlace = newPlace
        self.target = target
    }

    package func has(_ bits: UInt64) -> Bool { mask & bits != 0 }
}

extension FileNotice {
    private static let version: UInt8 = 3
    private static let metadataLength = 24

    /// What may stand behind an event; other types are skipped.
    private enum Info {
        static let target: UInt8 = 1
        static let place: UInt8 = 2
        static let directory: UInt8 = 3
        static let oldPlace: UInt8 = 10
        static let newPlace: UInt8 = 12
    }

    /// Takes apart what one read(2) gave; stops at the first thing that is not as it should be, and says so.
    package static func decode(
        _ buffer: [UInt8], count: Int, into notices: inout [FileNotice]
    ) -> Bool {
        let bytes = MessageBytes(buffer, count: count)
        var offset = 0
        while offset < bytes.count {
            guard let length = bytes.number(at: offset, as: UInt32.self).map(Int.init),
                let version = bytes.number(at: offset + 4, as: UInt8.self), version == Self.version,
                let start = bytes.number(at: offset + 6, as: UInt16.self).map(Int.init),
                let mask = bytes.number(at: offset + 8, as: UInt64.self),
                let descriptor = bytes.number(at: offset + 16, as: Int32.self),
                let pid = bytes.number(at: offset + 20, as: UInt32.self),
                start >= metadataLength, length >= start, offset + length <= bytes.count
            else { return false }
            var notice = FileNotice(mask: mask, pid: pid, descriptor: descriptor)
            guard notice.readInfo(bytes, in: offset + start..<offset + length) else { return false }
            notices.append(notice)
            offset += length
        }
        return true
    }

    private mutating func readInfo(_ bytes: MessageBytes, in range: Range<Int>) -> Bool {
        var offset = range.lowerBound
        while offset < range.upperBound {
            guard let type = bytes.number(at: offset, as: UInt8.self),
                let length = bytes.number(at: offset + 2, as: UInt16.self).map(Int.init), length >= 4,
                offset + length <= range.upperBound
            else { return false }
            let end = offset + length
            switch type {
            case Info.target: target = Self.handle(bytes, at: offset + 4, end: end)?.handle
            case Info.place, Info.oldPlace: place = Self.place(bytes, at: offset + 4, end: end)
            case Info.newPlace: newPlace = Self.place(bytes, at: offset + 4, end: end)
            case Info.directory:
                place = Self.handle(bytes, at: offset + 4, end: end).map {
                    Place(directory: $0.handle, name: [0x2E])
                }
            default: break
            }
            offset = end
        }
        return true
    }

    private static func handle(
        _ bytes: MessageBytes, at offset: Int, end: Int
    ) -> (handle: FileHandle, next: Int)? {
        guard let fileSystem = bytes.number(at: offset, as: UInt64.self),
            let count = bytes.number(at: offset + 8, as: UInt32.self).map(Int.init),
            let type = bytes.number(at: offset + 12, as: Int32.self), count <= FileHandle.limit,
            offset + 16 + count <= end, let first = bytes.word(at: offset + 16, count: count),
            let second = bytes.word(at: offset + 24, count: count - 8),
            let third = bytes.word(at: offset + 32, count: count - 16),
            let fourth = bytes.word(at: offset + 40, count: count - 24),
            let rest = count > 32 ? bytes.slice(offset + 48..<offset + 16 + count) : []
        else { return nil }
        let handle = FileHandle(
            fileSystem: fileSystem, type: type, count: count, words: (first, second, third, fourth),
            rest: count > 32 ? Array(rest) : [])
        return (handle, offset + 16 + count)
    }

    private static func place(_ bytes: MessageBytes, at offset: Int, end: Int) -> Place? {
        guard let (directory, next) = handle(bytes, at: offset, end: end), let tail = bytes.slice(next..<end),
            let length = tail.firstIndex(of: 0).map({ $0 - next }), (1...255).contains(length)
        else { return nil }
        return Place(directory: directory, name: Array(tail.prefix(length)))
    }
}
