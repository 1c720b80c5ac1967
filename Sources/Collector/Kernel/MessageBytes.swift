/// Reads numbers in the machine's own order from a buffer that the kernel filled; nothing outside of it is ever read.
struct MessageBytes {
    private let bytes: [UInt8]
    /// How much of the buffer is filled.
    let count: Int

    init(_ bytes: [UInt8], count: Int) {
        self.bytes = bytes
        self.count = min(count, bytes.count)
    }

    /// The number at an offset; nil when it is not all there.
    func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type = Number.self) -> Number? {
        guard offset >= 0, offset <= count - MemoryLayout<Number>.size else { return nil }
        return unsafe bytes.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: Number.self)
        }
    }

    /// The bytes of a range; nil when they are not all there.
    func slice(_ range: Range<Int>) -> ArraySlice<UInt8>? {
        guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
        return bytes[range]
    }

    /// Up to eight bytes as a number, little-endian, zero behind the end; nil when they are not all there.
    func word(at offset: Int, count: Int) -> UInt64? {
        if count <= 0 { return 0 }
        if count >= 8 { return number(at: offset) }
        guard offset >= 0, offset + count <= self.count else { return nil }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
}
