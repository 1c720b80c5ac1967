/// Takes a command's words apart: first flags and options, then what stands alone, then `finish`.
///
/// Options are `--name value` or `--name=value`; after `--` every word stands alone. A single `-` is a word, not an option.
package struct ArgumentReader: Sendable {
    private struct Word {
        var text: String
        /// Stands after `--`.
        var isLiteral: Bool

        var looksLikeOption: Bool { !isLiteral && text.hasPrefix("-") && text != "-" }

        /// Such as `-05:00`.
        var isNegative: Bool {
            text.hasPrefix("-") && text.utf8.dropFirst().first.map { (48...57).contains($0) } ?? false
        }
    }

    private var words: [Word]

    package init(_ texts: some Sequence<String>) {
        var literal = false
        words = []
        for text in texts {
            if !literal, text == "--" {
                literal = true
            } else {
                words.append(Word(text: text, isLiteral: literal))
            }
        }
    }

    /// Whether the flag is there; takes it, however often it is.
    package mutating func flag(_ name: String) -> Bool {
        let count = words.count
        words.removeAll { !$0.isLiteral && $0.text == name }
        return words.count < count
    }

    /// The value of an option that may be given once; nil when it is not there.
    ///
    /// - Parameter isSigned: a word that begins with a minus sign and a digit can be its value.
    /// - Throws: `UsageError` when it has no value or comes twice.
    package mutating func option(_ name: String, isSigned: Bool = false) throws(UsageError) -> String? {
        let values = try options(name, areSigned: isSigned)
        if values.count > 1 { throw UsageError("\(name) is given \(values.count) times") }
        return values.first
    }

    /// The values of an option that may be given several times.
    ///
    /// - Parameter areSigned: words that begin with a minus sign and a digit can be values.
    /// - Throws: `UsageError` when one has no value.
    package mutating func options(_ name: String, areSigned: Bool = false) throws(UsageError) -> [String] {
        var values: [String] = []
        while let index = words.firstIndex(where: {
            !$0.isLiteral && ($0.text == name || $0.text.hasPrefix(name + "="))
        }) {
            let word = words.remove(at: index).text
            if word != name {
                values.append(String(word.dropFirst(name.count + 1)))
            } else if index < words.count, !words[index].isLiteral,
                !words[index].looksLikeOption || areSigned && words[index].isNegative
            {
                values.append(words.remove(at: index).text)
            } else {
                throw UsageError("\(name) needs a value")
            }
        }
        return values
    }

    /// The value of an option that must be given.
    ///
    /// - Throws: `UsageError` when it is missing.
    package mutating func requiredOption(_ name: String) throws(UsageError) -> String {
        guard let value = try option(name) else { throw UsageError("\(name) is missing") }
        return value
    }

    /// The value of an option that is a whole number.
    ///
    /// - Throws: `UsageError` when it is none or does not fit the type.
    package mutating func number<Number: FixedWidthInteger>(
        _ name: String, as type: Number.Type = Number.self
    ) throws(UsageError) -> Number? {
        guard let text = try option(name) else { return nil }
        guard let value = Number(text) else { throw UsageError("\(name) is a number, not '\(text)'") }
        return value
    }

    /// The next word that stands alone.
    ///
    /// - Parameter name: what it is, such as `NAME`.
    /// - Throws: `UsageError` when there is none, or an option nobody has taken stands there.
    package mutating func positional(_ name: String) throws(UsageError) -> String {
        guard let word = try optionalPositional() else { throw UsageError("\(name) is missing") }
        return word
    }

    /// All that is left: a name, and before or after it a flag or not.
    ///
    /// - Throws: `UsageError` when there is no name, or anything else.
    package mutating func name(with flag: String) throws(UsageError) -> (name: String, isFlagged: Bool) {
        let isFlagged = self.flag(flag)
        let name = try positional("NAME")
        try finish()
        return (name, isFlagged)
    }

    /// The next word that stands alone, if there is one.
    ///
    /// - Throws: `UsageError` when an option nobody has taken stands there.
    package mutating func optionalPositional() throws(UsageError) -> String? {
        guard let word = words.first else { return nil }
        if word.looksLikeOption { throw Self.unexpected(word) }
        words.removeFirst()
        return word.text
    }

    /// All remaining words, one at least.
    ///
    /// - Throws: `UsageError` when there is none, or an option nobody has taken is among them.
    package mutating func positionals(_ name: String) throws(UsageError) -> [String] {
        var list = [try positional(name)]
        while let word = try optionalPositional() { list.append(word) }
        return list
    }

    /// Checks that every word has been taken.
    ///
    /// - Throws: `UsageError` that names the first one left.
    package func finish() throws(UsageError) {
        if let word = words.first { throw Self.unexpected(word) }
    }

    private static func unexpected(_ word: Word) -> UsageError {
        UsageError("unexpected argument '\(word.text)'")
    }
}
