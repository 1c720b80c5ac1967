/// Numbers and bytes of one kind, one after the other.
struct ColumnWriter {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    /// Seven bits a byte, the lowest first (LEB128).
    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A number that is small on either side of zero.
    mutating func difference(_ value: Int64) {
        number(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    mutating func raw(_ value: some Collection<UInt8>) { bytes += value }

    mutating func data(_ value: some Collection<UInt8>) {
        number(UInt64(value.count))
        bytes += value
    }

    mutating func optional(_ value: UInt32?) { number(value.map { UInt64($0) + 1 } ?? 0) }
}
