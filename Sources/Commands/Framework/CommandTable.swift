/// All commands, and how words find theirs.
package struct CommandTable: Sendable {
    /// In the order help shows them.
    package let commands: [any Command.Type]

    package init(_ commands: [any Command.Type]) {
        self.commands = commands
    }

    /// What words ask for.
    package enum Match {
        case command(any Command.Type, arguments: [String])
        /// Help on these words; none: the overview.
        case help([String])
    }

    /// Finds the command that words name; `--help` or `-h` after a noun or a verb asks for help on it.
    ///
    /// - Throws: `UsageError` with a suggestion when there is none.
    package func match(_ words: [String]) throws(UsageError) -> Match {
        guard let first = words.first, !Self.isHelpFlag(first) else { return .help([]) }
        for count in [2, 1] where words.count >= count {
            let name = Array(words.prefix(count))
            guard let command = commands.first(where: { $0.words == name }) else { continue }
            let arguments = Array(words.dropFirst(count))
            let options = arguments.prefix { $0 != "--" }
            return options.contains(where: Self.isHelpFlag)
                ? .help(name) : .command(command, arguments: arguments)
        }
        if verbs(of: first).isEmpty { throw unknown([first]) }
        guard words.count > 1 else {
            throw UsageError("'\(first)' needs a verb", hint: "'gatehouse help \(first)' lists them")
        }
        if Self.isHelpFlag(words[1]) { return .help([first]) }
        throw unknown([first, words[1]])
    }

    /// The commands of a noun.
    package func verbs(of noun: String) -> [any Command.Type] {
        commands.filter { $0.words.count == 2 && $0.words[0] == noun }
    }

    /// The first words, each once, in order.
    package var nouns: [String] {
        commands.reduce(into: []) { list, command in
            if !list.contains(command.words[0]) { list.append(command.words[0]) }
        }
    }

    private static func isHelpFlag(_ word: String) -> Bool { word == "--help" || word == "-h" }

    /// The error for words that name nothing, with the nearest that would.
    func unknown(_ words: [String]) -> UsageError {
        let typed = words.joined(separator: " ")
        let candidates = words.count == 1 ? nouns : commands.map { $0.words.joined(separator: " ") }
        let nearest = candidates.map { (name: $0, distance: editDistance($0, typed)) }
            .min { $0.distance < $1.distance }
        let why = "there is no command '\(typed)'"
        if let nearest, nearest.distance <= 2 {
            return UsageError(why, hint: "did you mean '\(nearest.name)'?")
        }
        let noun = words.count == 1 ? "" : " \(words[0])"
        return UsageError(why, hint: "'gatehouse help\(noun)' lists the commands")
    }
}

/// How many letters must be inserted, removed, changed or swapped with their neighbour to turn one text into the other.
func editDistance(_ left: String, _ right: String) -> Int {
    // Bounds the work for words that a peer chose.
    let left = Array(left.utf8.prefix(64))
    let right = Array(right.utf8.prefix(64))
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var best = min(current[column], last[column + 1]) + 1
            best = min(best, last[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
