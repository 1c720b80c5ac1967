/// What an event's row holds beside its columns, packed: variable-length numbers, times as differences.
struct EventDetail: Equatable {
    /// The inode after the event, where it could be asked.
    struct Inode: Equatable {
        /// Number of the row in `event_attributes`: mode, owner, group, links.
        var attributes: Int64
        var number: UInt64
        var size: UInt64
        var blocks: UInt64
        /// Nanoseconds since 1970.
        var modified: Int64
        /// Nanoseconds since 1970.
        var changed: Int64
    }

    /// Where a rename led to.
    struct Destination: Equatable {
        var directory: Int64
        var name: [UInt8]
    }

    /// 0: unknown.
    var pid: UInt32
    var count: UInt32
    var inode: Inode?
    var destination: Destination?
    /// Whether it may have made the file somebody else's.
    var mayBeHandedOver = false
}

extension EventDetail {
    private static let hasInode: UInt8 = 1
    private static let hasCount: UInt8 = 2
    private static let hasDestination: UInt8 = 4
    private static let hasProcess: UInt8 = 8
    private static let handsOver: UInt8 = 16

    /// - Parameter time: of the event, in microseconds; what times are counted from.
    func packed(at time: Int64) -> [UInt8] {
        var out = PackedWriter()
        let flags =
            (inode == nil ? 0 : Self.hasInode) | (count == 1 ? 0 : Self.hasCount)
            | (destination == nil ? 0 : Self.hasDestination) | (pid == 0 ? 0 : Self.hasProcess)
            | (mayBeHandedOver ? Self.handsOver : 0)
        out.byte(flags)
        if pid != 0 { out.number(UInt64(pid)) }
        if count != 1 { out.number(UInt64(count)) }
        if let inode {
            out.number(UInt64(bitPattern: inode.attributes))
            out.number(inode.number)
            out.number(inode.size)
            out.number(inode.blocks)
            out.signed(inode.changed &- time &* 1_000)
            out.signed(inode.modified &- inode.changed)
        }
        if let destination {
            out.number(UInt64(bitPattern: destination.directory))
            out.rest(destination.name)
        }
        return out.bytes
    }

    /// Reads what `packed` made; nil for anything else.
    init?(_ bytes: [UInt8], at time: Int64) {
        var input = PackedReader(bytes)
        guard let flags = input.byte() else { return nil }
        pid = 0
        count = 1
        mayBeHandedOver = flags & Self.handsOver != 0
        if flags & Self.hasProcess != 0 {
            guard let value = input.number() else { return nil }
            pid = UInt32(truncatingIfNeeded: value)
        }
        if flags & Self.hasCount != 0 {
            guard let value = input.number() else { return nil }
            count = UInt32(truncatingIfNeeded: value)
        }
        if flags & Self.hasInode != 0 {
            guard let attributes = input.number(), let number = input.number(), let size = input.number(),
                let blocks = input.number(), let changed = input.signed(), let modified = input.signed()
            else { return nil }
            let changedAt = changed &+ time &* 1_000
            inode = Inode(
                attributes: Int64(bitPattern: attributes), number: number, size: size, blocks: blocks,
                modified: modified &+ changedAt, changed: changedAt)
        }
        if flags & Self.hasDestination != 0 {
            guard let directory = input.number() else { return nil }
            destination = Destination(directory: Int64(bitPattern: directory), name: input.rest())
        }
    }
}

/// Writes numbers of seven bits a byte, the lowest first.
private struct PackedWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func number(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    mutating func signed(_ value: Int64) {
        number(UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63))
    }

    mutating func rest(_ value: [UInt8]) { bytes += value }
}

private struct PackedReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte() -> UInt8? {
        guard offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func number() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let next = byte() {
            guard shift < 64 else { return nil }
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }

    mutating func signed() -> Int64? {
        number().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
    }

    mutating func rest() -> [UInt8] {
        defer { offset = bytes.count }
        return Array(bytes[offset...])
    }
}
