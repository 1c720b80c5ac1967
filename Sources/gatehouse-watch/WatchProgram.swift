import Glibc
import Support

/// The entry of `gatehouse-watch`, which runs on the hosts: a static executable that needs nothing of them.
@main
enum WatchProgram {
    /// All verbs, in the order of the help.
    private static var verbs: [any Verb.Type] {
        [
            WatchVerb.self, ScanVerb.self, RescanVerb.self, ShipVerb.self, OwnerVerb.self, ShowVerb.self,
            SessionHookVerb.self,
        ]
    }

    static func main() {
        // Threads may be at work: leave without tearing down what they use.
        let status = run(Array(CommandLine.arguments.dropFirst()))
        fflush(nil)
        _exit(status.rawValue)
    }

    private static func run(_ words: [String]) -> ExitStatus {
        guard let name = words.first else {
            report("no verb is given", hint: "gatehouse-watch --help")
            return .usage
        }
        switch name {
        case "--help", "help":
            print(help)
            return .success
        case "--version":
            print("gatehouse-watch \(Product.version)")
            return .success
        default: break
        }
        guard let verb = verbs.first(where: { $0.name == name }) else {
            report("there is no verb '\(name.printable)'", hint: "gatehouse-watch --help")
            return .usage
        }
        if words.dropFirst().contains("--help") {
            print("usage: gatehouse-watch \(verb.usage)\n\n\(verb.summary).")
            return .success
        }
        do throws(Refusal) {
            var options = OptionReader(words.dropFirst())
            return try verb.run(&options)
        } catch {
            report("\(name): \(error.reason)", hint: error.hint)
            return error.status
        }
    }

    private static var help: String {
        let width = verbs.map { $0.name.count }.max() ?? 0
        let lines = verbs.map { verb in
            "  \(verb.name)\(String(repeating: " ", count: width - verb.name.count))  \(verb.summary)"
        }
        return """
            usage: gatehouse-watch VERB [OPTION...]
                   gatehouse-watch VERB --help
                   gatehouse-watch --version

            Tells the gateway what happens to the files of shared trees, and who did it.

            \(lines.joined(separator: "\n"))
            """
    }

    private static func report(_ what: String, hint: String?) {
        var text = "gatehouse-watch: \(what)\n"
        if let hint { text += "hint: \(hint)\n" }
        try? Descriptor(adopting: dup(2)).writeAll(text.utf8)
    }
}
