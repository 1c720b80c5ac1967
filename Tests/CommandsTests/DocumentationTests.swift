import Commands
import Glibc
import Support
import Testing

@Suite("Documentation of the commands")
struct DocumentationTests {
    private static let titles = CommandTable.gatehouse.commands.map { $0.words.joined(separator: " ") }

    /// The manual page as words, without its markup.
    private func manual() throws -> [String] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        let path = root.joined(separator: "/") + "/docs/man/gatehouse.1"
        let bytes = try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test("the manual page explains every command, with its options", arguments: titles)
    func manualPage(_ title: String) throws {
        let lines = try manual()
        let entry = try #require(lines.first { $0 == ".It Cm \(title)" || $0.hasPrefix(".It Cm \(title) ") })
        let command = try #require(
            CommandTable.gatehouse.commands.first { $0.words.joined(separator: " ") == title })
        // These are explained once for all commands, and those of a grant in a list below it.
        let elsewhere: Set = [
            "json", "config", "sudo", "files-only", "no-login", "no-forwarding", "forward-ports",
            "remote-forwarding", "no-remote-forwarding", "agent", "record", "wake", "require", "from",
            "until", "days", "hours", "zone", "allow-from",
        ]
        let options = command.usage.split { !$0.isLetter && $0 != "-" }.filter { $0.hasPrefix("--") }.map {
            $0.dropFirst(2)
        }
        for option in options where !elsewhere.contains(String(option)) {
            #expect(entry.contains("Fl -\(option)"))
        }
    }

    @Test("bash accepts the completion, and completes with it")
    func completion() throws {
        let script = try Gateway(people: false).output(of: "help --completion bash")
        let question = "\nCOMP_WORDS=(gatehouse user l); COMP_CWORD=2; _gatehouse; echo \"${COMPREPLY[@]}\"\n"
        let (input, inputEnd) = try Descriptor.pipe()
        let (outputEnd, output) = try Descriptor.pipe()
        var bash = ChildProcess("/bin/bash", descriptors: [input, output, output])
        bash.arguments = ["--norc", "-s"]
        let child = try bash.start()
        bash.descriptors = []
        try inputEnd.writeAll((script + question + "exit\n").utf8)
        #expect(ChildProcess.wait(for: child) == 0)
        var answer = [UInt8](repeating: 0, count: 1_000)
        let count = try outputEnd.read(into: &answer)
        #expect(String(decoding: answer[..<count], as: UTF8.self) == "list lock leave\n")
    }
}
