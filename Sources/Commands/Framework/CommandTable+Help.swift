extension CommandTable {
    /// What help says to a caller on some words; none: the overview, on one screen.
    ///
    /// - Throws: `UsageError` when they name nothing.
    func help(on topic: [String], for caller: Caller) throws(UsageError) -> String {
        let shown = commands.filter { Self.isShown($0, to: caller) }
        let prefix = caller.userName.map { "ssh \($0)+gate@GATEWAY" } ?? "gatehouse"
        if topic.isEmpty {
            // The footer explains help, and the operator is nobody whom the commands for people could tell about.
            let useful = shown.filter { $0 != Help.self && (caller.userName != nil || !$0.isForPeople) }
            return overview(useful, prefix: prefix)
        }
        if let command = shown.first(where: { $0.words == topic }) {
            return Self.explanation(of: command, prefix: prefix)
        }
        let verbs = topic.count == 1 ? shown.filter { $0.words[0] == topic[0] } : []
        guard !verbs.isEmpty else { throw unknown(topic) }
        let width = verbs.map { $0.title.count }.max() ?? 0
        return verbs.reduce(into: "") { text, command in
            text += command.title.padded(to: width) + "  " + command.summary + "\n"
        }
    }

    private static func isShown(_ command: any Command.Type, to caller: Caller) -> Bool {
        let runsHere = caller.userName == nil || command is any DaemonCommand.Type
        return runsHere && (try? caller.mayRun(command)) != nil
    }

    /// Lines of an overview that still fit on a screen.
    private static let overviewLimit = 18

    private func overview(_ shown: [any Command.Type], prefix: String) -> String {
        let examples =
            prefix == "gatehouse"
            ? ["user add alice --group lab", "grant add --group lab --pool communal"]
            : ["hosts", "keys add - < ~/.ssh/id_ed25519.pub"]
        var text = examples.map { "  \(prefix) \($0)\n" }.joined() + "\n"
        let listed = nouns.filter { noun in shown.contains { $0.words[0] == noun } }
        let width = listed.map(\.count).max() ?? 0
        // On one screen: of many, those with nothing to choose are only named.
        let lone = listed.filter { noun in shown.count { $0.words[0] == noun } == 1 }
        let entries = listed.map { noun in
            let members = shown.filter { $0.words[0] == noun }
            let verbs = members.compactMap { $0.words.count == 2 ? $0.words[1] : nil }
            let line = verbs.isEmpty ? members[0].summary : verbs.joined(separator: ", ")
            return (noun: noun, text: Self.wrapped(line, after: noun.padded(to: width) + "  "))
        }
        let isLong = entries.reduce(0) { $0 + $1.text.count { $0 == "\n" } } > Self.overviewLimit
        for entry in entries where !isLong || !lone.contains(entry.noun) { text += entry.text }
        if isLong {
            let titles = shown.filter { lone.contains($0.words[0]) }.map { $0.title }
            text += titles.joined(separator: ", ") + "\n"
        }
        return text + "'\(prefix) help NOUN VERB' explains a command. What reads takes --json.\n"
    }

    /// A line of words apart by blanks, cut where the screen ends.
    private static func wrapped(_ line: String, after start: String) -> String {
        let margin = String(repeating: " ", count: start.count)
        var text = ""
        var current = start
        for word in line.split(separator: " ") {
            if current.count + word.count > 79, current.count > margin.count {
                text += current.trimmedAtEnd + "\n"
                current = margin
            }
            current += word + " "
        }
        return text + current.trimmedAtEnd + "\n"
    }

    private static func explanation(of command: any Command.Type, prefix: String) -> String {
        let usage = command.usage.isEmpty ? "" : " \(command.usage)"
        var text = "\(command.summary).\n\nUsage:\n  \(prefix) \(command.title)\(usage)\n"
        if !command.examples.isEmpty {
            text += "\nExamples:\n" + command.examples.map { "  \(prefix) \($0)\n" }.joined()
        }
        return text
    }

    /// What bash needs to complete nouns, verbs and options.
    var bashCompletion: String {
        var byNoun = ""
        var byCommand = ""
        for noun in nouns {
            let verbs = verbs(of: noun).map { $0.words[1] }
            if !verbs.isEmpty {
                byNoun += "        \(noun)) candidates='\(verbs.joined(separator: " "))' ;;\n"
            }
        }
        for command in commands where !command.options.isEmpty {
            let pattern = command.words.count == 2 ? "'\(command.title)'" : "'\(command.title) '*"
            byCommand += "        \(pattern)) candidates='\(command.options.joined(separator: " "))' ;;\n"
        }
        return """
            # bash completion for gatehouse, made by: gatehouse help --completion bash
            _gatehouse() {
                local current=${COMP_WORDS[COMP_CWORD]} candidates=
                if [ "$COMP_CWORD" -eq 1 ]; then
                    candidates='\(nouns.joined(separator: " "))'
                elif [ "$COMP_CWORD" -eq 2 ] && [[ $current != -* ]]; then
                    case ${COMP_WORDS[1]} in
            \(byNoun)        esac
                elif [[ $current == -* ]]; then
                    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
            \(byCommand)        esac
                else
                    COMPREPLY=($(compgen -f -- "$current"))
                    return
                fi
                COMPREPLY=($(compgen -W "$candidates" -- "$current"))
            }
            complete -F _gatehouse gatehouse

            """
    }
}

extension Command {
    /// The options that its usage names.
    static var options: [String] {
        var names: [String] = []
        for word in usage.split(whereSeparator: { !$0.isLetter && $0 != "-" }) where word.hasPrefix("--") {
            if !names.contains(String(word)) { names.append(String(word)) }
        }
        return names
    }
}

extension String {
    /// Without blanks at the end.
    var trimmedAtEnd: String {
        guard let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[...last])
    }

    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
