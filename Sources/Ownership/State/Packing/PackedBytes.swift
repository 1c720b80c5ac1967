/// A buffer that packed parts are written to; grows by doubling, is used again for each directory.
// The memory belongs to the object, and every write is inside what `reserve` has made sure of.
@safe
final class PackedBytes {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 64 * 1_024
        unsafe start = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        unsafe start.deallocate()
    }

    func removeAll() {
        count = 0
    }

    /// Makes room for `more` bytes.
    func reserve(_ more: Int) {
        if count + more <= capacity { return }
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe larger.copyMemory(from: start, byteCount: count)
        unsafe start.deallocate()
        unsafe start = larger
    }

    /// Appends a byte, for which there must be room.
    func byte(_ value: UInt8) {
        unsafe start.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends a number of at most ten bytes, for which there must be room.
    func number(_ value: UInt64) {
        var rest = value
        while rest > 127 {
            byte(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    func signed(_ value: Int64) {
        number(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Appends four bytes, for which there must be room.
    func word(_ value: UInt32) {
        unsafe start.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt32.self)
        count += 4
    }

    /// Appends bytes, for which there must be room.
    func bytes(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        unsafe (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        precondition(range.upperBound <= count)
        return unsafe body(UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
    }
}
