/// A keyed hash of 64 bits, for finding out what is as it was.
///
/// The key keeps people from making two contents with one digest; it is a secret of the book's file.
package struct Digest64: Sendable {
    private let key: UInt64
    private static let odd: UInt64 = 0x9E37_79B9_7F4A_7C15
    private static let other: UInt64 = 0xFF51_AFD7_ED55_8CCD

    package init(key: UInt64) {
        self.key = key
    }

    /// The digest of bytes.
    package func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = key ^ (UInt64(bytes.count) &* Self.odd)
        var offset = 0
        while offset + 16 <= bytes.count {
            let first = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let second = unsafe bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            state = Self.mix(first ^ Self.odd ^ state, second ^ key ^ Self.other)
            offset += 16
        }
        var tail: (UInt64, UInt64) = (0, 0)
        while offset < bytes.count {
            let byte = unsafe UInt64(bytes[offset])
            let position = offset & 15
            if position < 8 {
                tail.0 |= byte << UInt64(8 * position)
            } else {
                tail.1 |= byte << UInt64(8 * (position - 8))
            }
            offset += 1
        }
        state = Self.mix(tail.0 ^ Self.other ^ state, tail.1 ^ key ^ Self.odd)
        return Self.mix(state ^ key, Self.other)
    }

    /// The digest of two numbers, which count in this order.
    package func of(_ first: UInt64, _ second: UInt64) -> UInt64 {
        Self.mix(first ^ key ^ Self.odd, Self.mix(second ^ Self.other, key ^ Self.odd) ^ Self.other)
    }

    /// Both halves of a product, laid over each other.
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
