/// One event of a recording.
package struct CastEvent: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case output = 0x6F
        case error = 0x65
        case input = 0x69
        case resize = 0x72
        case marker = 0x6D
        case exit = 0x78
    }

    /// Microseconds from the recording's beginning.
    package var time: UInt64
    package var kind: Kind
    /// UTF-8.
    package var data: [UInt8]

    package init(time: UInt64, kind: Kind, data: [UInt8]) {
        self.time = time
        self.kind = kind
        self.data = data
    }

    /// Reads a line such as `[1.5, "o", "text"]`.
    ///
    /// - Throws: `RecordingError` for what is none.
    package init(line: ArraySlice<UInt8>) throws(RecordingError) {
        var parser = CastParser(bytes: line)
        try parser.expect(0x5B)
        time = try parser.time()
        try parser.expect(0x2C)
        let letter = try parser.string()
        guard letter.count == 1, let kind = Kind(rawValue: letter[0]) else {
            throw RecordingError(.malformed, "the recording is damaged: there is no such event")
        }
        self.kind = kind
        try parser.expect(0x2C)
        data = try parser.string()
        try parser.expect(0x5D)
        guard parser.isAtEnd else { throw CastParser.damage }
    }
}

/// Reads the little of JSON that events are.
private struct CastParser {
    static let damage = RecordingError(.malformed, "the recording is damaged: a line is no event")
    /// Microseconds in ten thousand years.
    private static let secondLimit: UInt64 = 315_576_000_000

    private let bytes: ArraySlice<UInt8>
    private var index: Int

    init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    private var next: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return next == nil
        }
    }

    private mutating func skipSpace() {
        while next == 0x20 || next == 0x09 || next == 0x0D { index += 1 }
    }

    mutating func expect(_ byte: UInt8) throws(RecordingError) {
        skipSpace()
        guard next == byte else { throw Self.damage }
        index += 1
    }

    mutating func time() throws(RecordingError) -> UInt64 {
        skipSpace()
        var seconds: UInt64 = 0
        let start = index
        while let byte = next, (0x30...0x39).contains(byte) {
            seconds = seconds * 10 + UInt64(byte - 0x30)
            guard seconds < Self.secondLimit else { throw Self.damage }
            index += 1
        }
        guard index > start else { throw Self.damage }
        var fraction: UInt64 = 0
        var unit: UInt64 = 100_000
        if next == 0x2E {
            index += 1
            while let byte = next, (0x30...0x39).contains(byte) {
                fraction += UInt64(byte - 0x30) * unit
                unit /= 10
                index += 1
            }
        }
        return seconds * 1_000_000 + fraction
    }

    mutating func string() throws(RecordingError) -> [UInt8] {
        try expect(0x22)
        var text: [UInt8] = []
        while true {
            let start = index
            while let byte = next, byte != 0x22, byte != 0x5C, byte >= 0x20 { index += 1 }
            text += bytes[start..<index]
            guard let byte = next, byte >= 0x20 else { throw Self.damage }
            index += 1
            if byte == 0x22 {
                guard text.allSatisfy({ $0 < 0x80 }) || String(validating: text, as: UTF8.self) != nil else {
                    throw Self.damage
                }
                return text
            }
            try escape(to: &text)
        }
    }

    private mutating func escape(to text: inout [UInt8]) throws(RecordingError) {
        guard let letter = next else { throw Self.damage }
        index += 1
        switch letter {
        case 0x22, 0x5C, 0x2F: text.append(letter)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75: text += try Character(unit()).utf8
        default: throw Self.damage
        }
    }

    /// Four hexadecimal digits, twice for what is beyond the first 65,536 characters.
    private mutating func unit() throws(RecordingError) -> Unicode.Scalar {
        let first = try digits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, next == 0x5C else { throw Self.damage }
        index += 1
        guard next == 0x75 else { throw Self.damage }
        index += 1
        let second = try digits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw Self.damage }
        return scalar
    }

    private mutating func digits() throws(RecordingError) -> UInt32 {
        guard bytes.endIndex - index >= 4 else { throw Self.damage }
        var value: UInt32 = 0
        for byte in bytes[index..<index + 4] {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: throw Self.damage
            }
            value = value << 4 | UInt32(digit)
        }
        index += 4
        return value
    }
}
