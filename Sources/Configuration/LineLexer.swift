/// Splits a line of the configuration into words: blanks separate, double quotes keep blanks, `#` begins a comment.
enum LineLexer {
    /// What is wrong with a line.
    struct Failure: Error, Equatable {
        let what: String
    }

    /// The keyword and its values; nil for a blank line or a comment.
    ///
    /// - Throws: `Failure` for text that is not UTF-8, control characters and open quotes.
    static func split(_ line: ArraySlice<UInt8>) throws(Failure) -> (keyword: String, values: [String])? {
        guard let text = String(validating: line, as: UTF8.self) else {
            throw Failure(what: "the line is not text in UTF-8")
        }
        let scalars = Array(text.unicodeScalars)
        guard scalars.allSatisfy({ $0 == "\t" || $0.properties.generalCategory != .control }) else {
            throw Failure(what: "the line holds a control character")
        }
        var position = 0
        func skipBlanks() {
            while position < scalars.count, isBlank(scalars[position]) { position += 1 }
        }

        skipBlanks()
        guard position < scalars.count, scalars[position] != "#" else { return nil }
        var keyword = String.UnicodeScalarView()
        while position < scalars.count, !isBlank(scalars[position]), scalars[position] != "=" {
            keyword.append(scalars[position])
            position += 1
        }
        skipBlanks()
        if position < scalars.count, scalars[position] == "=" {
            position += 1
            skipBlanks()
        }
        var values: [String] = []
        while position < scalars.count, scalars[position] != "#" {
            values.append(try word(scalars, &position))
            skipBlanks()
        }
        return (String(keyword), values)
    }

    /// Reads one word, which begins at `position`; quotes may be anywhere in it, `\` keeps a quote or itself inside them.
    private static func word(_ scalars: [Unicode.Scalar], _ position: inout Int) throws(Failure) -> String {
        var word = String.UnicodeScalarView()
        var isQuoted = false
        while position < scalars.count, isQuoted || !isBlank(scalars[position]) {
            let scalar = scalars[position]
            position += 1
            if scalar == "\"" {
                isQuoted.toggle()
            } else if isQuoted, scalar == "\\", position < scalars.count,
                scalars[position] == "\"" || scalars[position] == "\\"
            {
                word.append(scalars[position])
                position += 1
            } else {
                word.append(scalar)
            }
        }
        guard !isQuoted else { throw Failure(what: "a quote is not closed") }
        return String(word)
    }

    /// The text that `split` reads back as the one word `value`.
    static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy {
                !isBlank($0) && $0 != "\"" && $0 != "#" && $0 != "="
            }
        guard !isPlain else { return value }
        let inner = value.unicodeScalars.reduce(into: "") { text, scalar in
            if scalar == "\"" || scalar == "\\" { text += "\\" }
            text.unicodeScalars.append(scalar)
        }
        return "\"\(inner)\""
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
}
