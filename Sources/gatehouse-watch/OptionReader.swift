import Support

/// Takes a verb's words apart: `--name value` or `--name=value`, flags, and what stands alone.
struct OptionReader {
    private var words: [String]

    init(_ words: some Sequence<String>) {
        self.words = Array(words)
    }

    /// Whether the flag is there; takes it.
    mutating func flag(_ name: String) -> Bool {
        let count = words.count
        words.removeAll { $0 == name }
        return words.count < count
    }

    /// The values of an option, in their order.
    mutating func options(_ name: String) throws(Refusal) -> [String] {
        var values: [String] = []
        while let index = words.firstIndex(where: { $0 == name || $0.hasPrefix(name + "=") }) {
            let word = words.remove(at: index)
            if word != name {
                values.append(String(word.dropFirst(name.count + 1)))
            } else if index < words.count {
                values.append(words.remove(at: index))
            } else {
                throw Refusal(.usage, "\(name) needs a value")
            }
        }
        return values
    }

    /// The value of an option that may be given once.
    mutating func option(_ name: String) throws(Refusal) -> String? {
        let values = try options(name)
        if values.count > 1 { throw Refusal(.usage, "\(name) is given \(values.count) times") }
        return values.first
    }

    /// The value of an option that is a whole number within a range.
    mutating func number<Number: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(Refusal) -> Number? {
        guard let text = try option(name) else { return nil }
        guard let value = Number(text), range.contains(value) else {
            throw Refusal(
                .usage,
                "\(name) is a number from \(range.lowerBound) to \(range.upperBound), not '\(text.printable)'"
            )
        }
        return value
    }

    /// The next word that stands alone.
    mutating func positional(_ name: String) throws(Refusal) -> String {
        guard let word = words.first(where: { !$0.hasPrefix("-") }) else {
            throw Refusal(.usage, "\(name) is missing")
        }
        words.removeAll { $0 == word }
        return word
    }

    /// Checks that every word has been taken.
    func finish() throws(Refusal) {
        if let word = words.first { throw Refusal(.usage, "unexpected argument '\(word.printable)'") }
    }
}
