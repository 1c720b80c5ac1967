/// The format of AWS's shared files: sections, settings, and settings of settings, which are passed over.
enum INIFile {
    /// Settings by section; what comes later wins.
    ///
    /// - Throws: `AWSError` with code `configuration`, with path and line but not the line's text, which may hold a secret.
    static func parse(_ text: String, path: String) throws(AWSError) -> [String: [String: String]] {
        var sections: [String: [String: String]] = [:]
        var section: String?
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            func failure(_ what: String) -> AWSError {
                AWSError(.configuration, "\(path) line \(index + 1): \(what)")
            }
            let line = trimmed(raw)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if raw.first == " " || raw.first == "\t" { continue }
            if line.hasPrefix("[") {
                guard let end = line.firstIndex(of: "]") else { throw failure("a section has no ']'") }
                let name = sectionName(line[line.index(after: line.startIndex)..<end])
                section = name
                sections[name, default: [:]].merge([:]) { old, _ in old }
                continue
            }
            guard let section else { throw failure("a setting stands before the first section") }
            guard let equals = line.firstIndex(of: "=") else { throw failure("neither section nor setting") }
            let name = trimmed(line[..<equals]).lowercased()
            sections[section, default: [:]][name] = value(line[line.index(after: equals)...])
        }
        return sections
    }

    /// `profile  "x"` and `profile x` are one name.
    private static func sectionName(_ text: Substring) -> String {
        trimmed(text).split { $0 == " " || $0 == "\t" }.joined(separator: " ")
            .filter { $0 != "\"" && $0 != "'" }
    }

    /// What stands before a comment, which begins after a blank.
    private static func value(_ text: Substring) -> String {
        let text = trimmed(text)
        for (index, character) in zip(text.indices, text) where character == "#" || character == ";" {
            if index > text.startIndex, text[text.index(before: index)].isWhitespace {
                return trimmed(text[..<index])
            }
        }
        return text
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let start = text.firstIndex { !$0.isWhitespace } ?? text.endIndex
        let end = text.lastIndex { !$0.isWhitespace }.map { text.index(after: $0) } ?? text.endIndex
        return start < end ? String(text[start..<end]) : ""
    }
}
