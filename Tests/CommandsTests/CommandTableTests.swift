import Commands
import Testing

@Suite("Finding and explaining commands")
struct CommandTableTests {
    @Test(
        "words that name nothing get the nearest that would",
        arguments: [
            ("usr add", "there is no command 'usr'", "did you mean 'user'?"),
            ("user lsit", "there is no command 'user lsit'", "did you mean 'user list'?"),
            (
                "group members", "there is no command 'group members'",
                "'gatehouse help group' lists the commands"
            ),
            ("frobnicate", "there is no command 'frobnicate'", "'gatehouse help' lists the commands"),
            ("user", "'user' needs a verb", "'gatehouse help user' lists them"),
        ])
    func nearMiss(_ line: String, _ why: String, _ hint: String) {
        #expect(throws: UsageError(why, hint: hint)) {
            _ = try CommandTable.gatehouse.match(line.split(separator: " ").map(String.init))
        }
    }

    @Test("help fits one screen and begins with two examples")
    func overview() throws {
        let text = try Gateway(people: false).output(of: "help")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 24)
        #expect(lines[0] == "  gatehouse user add alice --group lab")
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(text.contains("\nuser       add, list, show, set, lock, unlock, role, leave\n"))
    }

    @Test("help shows a user what a user may do")
    func overviewForUser() throws {
        let text = try Gateway().output(of: "help", as: Gateway.alice)
        #expect(text.hasPrefix("  ssh alice+gate@GATEWAY hosts\n"))
        #expect(text.contains("whoami"))
        #expect(!text.contains("grant"))
        #expect(!text.contains("init"))
    }

    @Test(
        "each command explains itself, in three ways",
        arguments: CommandTable.gatehouse.commands.map { $0.words.joined(separator: " ") })
    func explanation(_ title: String) throws {
        let gateway = try Gateway(people: false)
        let text = gateway.output(of: "help \(title)")
        #expect(text.contains("Usage:\n  gatehouse \(title)"))
        #expect(gateway.output(of: "\(title) --help") == text)
        #expect(gateway.output(of: "\(title) x -h") == text)
    }

    @Test("help on a noun lists its verbs")
    func noun() throws {
        let text = try Gateway(people: false).output(of: "help pool")
        #expect(text.split(separator: "\n").count == 5)
        #expect(text.hasPrefix("pool add    Add a pool"))
    }

    @Test("examples are well-formed commands")
    func examples() throws {
        for command in CommandTable.gatehouse.commands {
            for example in command.examples {
                let words = example.split(separator: " > ")[0].split(separator: " >> ")[0].split(
                    separator: " < ")[0].split(separator: "'").enumerated()
                    .flatMap { $0.offset % 2 == 0 ? $0.element.split(separator: " ") : [$0.element] }
                    .map(String.init)
                guard case .command(let found, let arguments) = try CommandTable.gatehouse.match(words) else {
                    Issue.record("'\(example)' is no command")
                    continue
                }
                #expect(found.words == command.words)
                var reader = ArgumentReader(arguments)
                _ = try found.init(parsing: &reader)
            }
        }
    }

    @Test("the completion is a script bash accepts, and knows nouns, verbs and options")
    func completion() throws {
        let script = try Gateway(people: false).output(of: "help --completion bash")
        #expect(script.contains("user) candidates='add list show set lock unlock role leave'"))
        #expect(script.contains("'grant add') candidates='--user --group --host --pool"))
    }
}
