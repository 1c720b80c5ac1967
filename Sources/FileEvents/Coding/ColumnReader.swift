/// Reads what `ColumnWriter` wrote, from bytes that anybody may have chosen; every length is checked.
struct ColumnReader {
    private let bytes: [UInt8]
    private var offset: Int
    private let end: Int

    /// - Parameter range: within `bytes`.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - offset }
    var position: Int { offset }

    private static let tooShort = SegmentError(.malformed, "a column ends too early")

    mutating func byte() throws(SegmentError) -> UInt8 {
        guard offset < end else { throw Self.tooShort }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func number() throws(SegmentError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift == 63, next > 1 { throw SegmentError(.malformed, "a number is too long") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
            if shift > 63 { throw SegmentError(.malformed, "a number is too long") }
        }
    }

    mutating func number32() throws(SegmentError) -> UInt32 {
        guard let value = UInt32(exactly: try number()) else {
            throw SegmentError(.malformed, "a number is too big")
        }
        return value
    }

    mutating func difference() throws(SegmentError) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A number that counts or indexes, `limit` at most.
    mutating func count(limit: Int) throws(SegmentError) -> Int {
        let value = try number()
        guard value <= UInt64(limit) else { throw SegmentError(.malformed, "a count of \(value) is too big") }
        return Int(value)
    }

    mutating func raw(_ count: Int) throws(SegmentError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw Self.tooShort }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    mutating func data(limit: Int = SegmentLimits.path) throws(SegmentError) -> [UInt8] {
        Array(try raw(try count(limit: limit)))
    }

    mutating func text() throws(SegmentError) -> String {
        guard let text = String(validating: try data(), as: UTF8.self) else {
            throw SegmentError(.malformed, "a text is not UTF-8")
        }
        return text
    }

    mutating func optional() throws(SegmentError) -> UInt32? {
        let value = try number()
        guard value <= UInt64(UInt32.max) + 1 else { throw SegmentError(.malformed, "a number is too big") }
        return value == 0 ? nil : UInt32(value - 1)
    }

    func finish() throws(SegmentError) {
        guard remaining == 0 else {
            throw SegmentError(.malformed, "\(remaining) bytes too many in a column")
        }
    }
}
