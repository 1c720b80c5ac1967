package import Support

/// A JSON value to print: keys come out sorted.
package enum JSON: Equatable, Sendable {
    case null
    case boolean(Bool)
    case number(Int64)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// RFC 3339 in UTC, or null.
    package static func time(_ time: Timestamp?) -> JSON {
        time.map { .string($0.description) } ?? .null
    }

    /// A text, or null.
    package static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    /// Texts.
    package static func strings(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }

    /// A number of any width, or null.
    package static func integer(_ number: (some BinaryInteger)?) -> JSON {
        number.map { .number(Int64(clamping: $0)) } ?? .null
    }

    /// The document every reading command prints: these keys and `"schema": 1`.
    package static func document(_ fields: [String: JSON]) -> JSON {
        .object(fields.merging(["schema": .number(1)]) { _, schema in schema })
    }

    /// On several lines, indented, with a line end.
    package var pretty: String { rendered(indent: 0) + "\n" }

    /// On one line, without a line end.
    package var line: String { rendered(indent: nil) }

    private func rendered(indent: Int?) -> String {
        switch self {
        case .null: return "null"
        case .boolean(let value): return value ? "true" : "false"
        case .number(let value): return String(value)
        case .string(let value): return Self.quoted(value)
        case .array(let values):
            return Self.list("[", values.map { $0.rendered(indent: indent.map { $0 + 1 }) }, "]", indent)
        case .object(let fields):
            let members = fields.sorted { $0.key < $1.key }.map { key, value in
                "\(Self.quoted(key)): \(value.rendered(indent: indent.map { $0 + 1 }))"
            }
            return Self.list("{", members, "}", indent)
        }
    }

    private static func list(_ open: String, _ items: [String], _ close: String, _ indent: Int?) -> String {
        guard let indent, !items.isEmpty else { return open + items.joined(separator: ", ") + close }
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        return open + "\n" + inner + items.joined(separator: ",\n" + inner) + "\n" + outer + close
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
