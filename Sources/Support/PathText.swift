/// Paths as people read and write them: any bytes, on one line, so that no name can forge another or move a cursor.
///
/// A backslash is `\\`, a line end `\n`, a tab `\t`; bytes that are not UTF-8, control characters and those that change the direction
/// of text are `\xNN`, byte by byte. Everything else stands for itself.
package enum PathText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// The text for bytes.
    package static func shown(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            guard let scalar = firstScalar(of: rest) else {
                text += escaped(rest.removeFirst())
                continue
            }
            let width = UTF8.width(scalar)
            text += shown(scalar, rest.prefix(width))
            rest = rest.dropFirst(width)
        }
        return text
    }

    /// The bytes of a text that `shown` made; nil when it has an escape that does not exist.
    package static func bytes(of text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "t"): bytes.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "x"):
                guard let high = value(of: rest.popFirst()), let low = value(of: rest.popFirst()) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: return nil
            }
        }
        return bytes
    }

    private static func value(of digit: UInt8?) -> UInt8? {
        digit.flatMap { digits.firstIndex(of: $0) }.map { UInt8($0) }
    }

    private static func shown(_ scalar: Unicode.Scalar, _ bytes: ArraySlice<UInt8>) -> String {
        switch scalar {
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\t": return "\\t"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
            return bytes.map(escaped).joined()
        default: return String(scalar)
        }
    }

    private static func escaped(_ byte: UInt8) -> String {
        "\\x" + String(decoding: [digits[Int(byte >> 4)], digits[Int(byte & 15)]], as: UTF8.self)
    }

    /// The character that the bytes begin with; nil when they begin with none.
    private static func firstScalar(of bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return scalar
    }
}
