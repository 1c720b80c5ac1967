/// Bytes that do not follow the format they should have.
package struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was expected and what came instead.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Reads the data types of RFC 4251 section 5 from bytes that a peer chose; every length is checked.
package struct WireReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// How many bytes are left.
    package var remaining: Int { bytes.count - offset }

    /// What is left.
    package var rest: ArraySlice<UInt8> { bytes[offset...] }

    /// Reads one byte.
    ///
    /// - Throws: `WireError` at the end of the bytes, as all readers below.
    package mutating func byte() throws(WireError) -> UInt8 {
        guard remaining >= 1 else { throw WireError("the message ends too early") }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Reads a boolean: 0 is false, anything else true.
    package mutating func boolean() throws(WireError) -> Bool { try byte() != 0 }

    /// Reads a big-endian 32-bit number.
    package mutating func uint32() throws(WireError) -> UInt32 {
        try raw(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads a big-endian 64-bit number.
    package mutating func uint64() throws(WireError) -> UInt64 {
        try raw(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads exactly `count` bytes.
    package mutating func raw(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw WireError("the message ends too early") }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    /// Reads a length and that many bytes.
    package mutating func data() throws(WireError) -> [UInt8] {
        let count = try uint32()
        guard count <= UInt32(Int32.max) else { throw WireError("a length of \(count) is too much") }
        return Array(try raw(Int(count)))
    }

    /// Reads a length and that many bytes of UTF-8.
    ///
    /// - Throws: `WireError` also for invalid UTF-8.
    package mutating func string() throws(WireError) -> String {
        guard let text = String(validating: try data(), as: UTF8.self) else {
            throw WireError("a text is not UTF-8")
        }
        return text
    }

    /// Reads a count and that many texts, `limit` at most.
    package mutating func strings(limit: Int = 4_096) throws(WireError) -> [String] {
        let count = try uint32()
        guard count <= limit else { throw WireError("a list of \(count) is too long") }
        var list: [String] = []
        for _ in 0..<count { list.append(try string()) }
        return list
    }

    /// Checks that nothing is left.
    package func finish() throws(WireError) {
        guard remaining == 0 else { throw WireError("\(remaining) bytes too many") }
    }
}

/// Writes the data types of RFC 4251 section 5.
package struct WireWriter: Sendable {
    /// What has been written so far.
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// One byte.
    package mutating func byte(_ value: UInt8) { bytes.append(value) }

    /// One byte, 0 or 1.
    package mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Four bytes, the highest first.
    package mutating func uint32(_ value: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    /// Eight bytes, the highest first.
    package mutating func uint64(_ value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    /// Bytes as they are, without their number.
    package mutating func raw(_ value: some Collection<UInt8>) { bytes += value }

    /// The number of bytes as a `uint32`, then the bytes.
    package mutating func data(_ value: some Collection<UInt8>) {
        uint32(UInt32(value.count))
        bytes += value
    }

    /// A text in UTF-8, as `data`.
    package mutating func string(_ value: String) { data(Array(value.utf8)) }

    /// The number of texts as a `uint32`, then each as `string`.
    package mutating func strings(_ values: [String]) {
        uint32(UInt32(values.count))
        for value in values { string(value) }
    }
}
