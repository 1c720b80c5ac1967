import Support

/// Reads the values of keywords.
enum ValueParser {
    /// Networks on one list, at the most.
    private static let networkLimit = 1_024

    /// Adds the networks of a line to those of lines before it; the word that stands for an empty list stands alone.
    static func add(
        _ values: [String], to list: inout [Network], empty: String = "none", isFirst: Bool
    ) throws(ValueError) {
        if isFirst { list = [] }
        if values.count == 1, values[0].lowercased() == empty { return }
        for value in values {
            guard let network = Network(value) else {
                throw ValueError(what: "'\(shown(value))' is not a network such as 10.0.0.0/8, or an address")
            }
            guard list.count < networkLimit else {
                throw ValueError(what: "more than \(networkLimit) networks")
            }
            if !list.contains(network) { list.append(network) }
        }
    }

    static func rendered(_ networks: [Network], empty: String = "none") -> [String] {
        [networks.isEmpty ? empty : networks.map(\.description).joined(separator: " ")]
    }

    static func number(_ text: some StringProtocol, in range: ClosedRange<Int>) throws(ValueError) -> Int {
        let wanted = "a number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = digits(text) else {
            throw ValueError(what: "'\(shown(text))' is not \(wanted)")
        }
        guard range.contains(number) else { throw ValueError(what: "\(number) is not \(wanted)") }
        return number
    }

    /// Reads seconds, or a number with s, m, h or d.
    static func duration(_ text: String, in seconds: ClosedRange<Int>) throws(ValueError) -> Duration {
        let wanted = "from \(seconds.lowerBound)s to \(rendered(.seconds(seconds.upperBound)))"
        guard let number = scaled(text, units: ["s": 1, "m": 60, "h": 3_600, "d": 86_400]) else {
            throw ValueError(what: "'\(shown(text))' is not a time such as 30, 30s, 5m, 2h or 1d")
        }
        guard seconds.contains(number) else {
            throw ValueError(what: "'\(shown(text))' is not a time \(wanted)")
        }
        return .seconds(number)
    }

    /// Reads bytes, or a number with K, M or G.
    static func size(_ text: String, in bytes: ClosedRange<Int>) throws(ValueError) -> UInt64 {
        guard let number = scaled(text, units: ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]) else {
            throw ValueError(what: "'\(shown(text))' is not a size such as 64M or 1G")
        }
        guard bytes.contains(number) else {
            let wanted =
                "from \(rendered(size: UInt64(bytes.lowerBound))) to \(rendered(size: UInt64(bytes.upperBound)))"
            throw ValueError(what: "'\(shown(text))' is not a size \(wanted)")
        }
        return UInt64(number)
    }

    static func uidRange(_ text: String) throws(ValueError) -> ClosedRange<UInt32> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { digits($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1] else {
            throw ValueError(what: "'\(shown(text))' is not a range such as 20000-59999")
        }
        guard low <= high, low >= 1_000, high <= Int(Int32.max) else {
            throw ValueError(what: "a range from 1000 to \(Int32.max) is needed, the smaller number first")
        }
        guard !(low...high).overlaps(65_534...65_535) else {
            throw ValueError(what: "65534 and 65535 are nobody's and cannot be in the range")
        }
        return UInt32(low)...UInt32(high)
    }

    /// Reads a user's name, or a number above 0.
    static func user(_ text: String) throws(ValueError) -> String {
        if let number = digits(text) {
            guard (1...Int(UInt32.max) - 1).contains(number) else {
                throw ValueError(what: "\(number) cannot be the user of a session")
            }
            return String(number)
        }
        let bytes = Array(text.utf8)
        let isName =
            (1...32).contains(bytes.count) && bytes[0] != UInt8(ascii: "-")
            && bytes.allSatisfy {
                isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
                    || $0 == UInt8(ascii: "-")
            }
        guard isName, !isDigit(bytes[0]) else {
            throw ValueError(what: "'\(shown(text))' is not the name or number of a user")
        }
        guard text != "root" else { throw ValueError(what: "sessions never run as root") }
        return text
    }

    static func path(_ text: String) throws(ValueError) -> String {
        guard text.hasPrefix("/"), text.utf8.count <= 4_095 else {
            throw ValueError(what: "'\(shown(text))' is not a path that begins with /")
        }
        return text
    }

    /// Reads letters, digits and a few signs that names of AWS have; nil for `none`.
    static func word(_ text: String, what: String) throws(ValueError) -> String? {
        if text.lowercased() == "none" { return nil }
        let isWord = text.utf8.allSatisfy { byte in
            isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard isWord, (1...128).contains(text.utf8.count) else {
            throw ValueError(what: "'\(shown(text))' is not \(what)")
        }
        return text
    }

    /// Reads the name of a PAM stack: a file's name, and no path.
    static func serviceName(_ text: String) throws(ValueError) -> String {
        let isName = text.utf8.allSatisfy { byte in
            isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || [UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
        }
        guard isName, (1...64).contains(text.utf8.count) else {
            throw ValueError(what: "'\(shown(text))' is not the name of a PAM service such as gatehouse")
        }
        return text
    }

    /// Reads the path of a folder and drops slashes at its end.
    static func directory(_ text: String, longestName limit: Int) throws(ValueError) -> String {
        var path = try path(text)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard path != "/" else { throw ValueError(what: "a folder of its own is needed, not /") }
        guard path.utf8.count <= limit else {
            throw ValueError(what: "the path is longer than \(limit) bytes")
        }
        return path
    }

    static func truth(_ text: String) throws(ValueError) -> Bool {
        switch text.lowercased() {
        case "yes": return true
        case "no": return false
        default: throw ValueError(what: "'\(shown(text))' is neither yes nor no")
        }
    }

    /// Reads one of the words of an enumeration.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String
    ) throws(ValueError) -> Choice {
        if let choice = Choice(rawValue: text.lowercased()) { return choice }
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValueError(what: "'\(shown(text))' is none of \(words)")
    }

    static func logLevel(_ text: String) throws(ValueError) -> Log.Level {
        let name = text.lowercased()
        guard let level = Log.Level.allCases.first(where: { "\($0)" == name }) else {
            let names = Log.Level.allCases.map { "\($0)" }.joined(separator: ", ")
            throw ValueError(what: "'\(shown(text))' is none of \(names)")
        }
        return level
    }
}

extension ValueParser {
    /// The shortest text that `duration` reads as these seconds.
    static func rendered(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "m")]
        let unit = units.first { seconds != 0 && seconds.isMultiple(of: $0.0) } ?? (1, "s")
        return "\(seconds / unit.0)\(unit.1)"
    }

    /// The shortest text that `size` reads as these bytes.
    static func rendered(size: UInt64) -> String {
        let units: [(UInt64, String)] = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")]
        let unit = units.first { size != 0 && size.isMultiple(of: $0.0) } ?? (1, "")
        return "\(size / unit.0)\(unit.1)"
    }

    private static func scaled(_ text: String, units: [Character: Int]) -> Int? {
        guard let last = text.lowercased().last, let factor = units[last] else { return digits(text) }
        guard let number = digits(text.dropLast()) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// Reads decimal digits and nothing else.
    private static func digits(_ text: some StringProtocol) -> Int? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy(isDigit) else { return nil }
        return Int(text)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func shown(_ text: some StringProtocol) -> String {
        String(text.unicodeScalars.prefix(60).map(Character.init)).printable
    }
}
