/// CRC-32C (Castagnoli), which finds a torn or damaged frame.
enum Checksum {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
    }

    static func crc32c(_ bytes: some Collection<UInt8>) -> UInt32 {
        // Taken once: each use of the property itself asks whether it is made yet.
        let table = table
        return ~bytes.reduce(~0) { value, byte in
            table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8
        }
    }
}
