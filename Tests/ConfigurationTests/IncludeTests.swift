import Configuration
import Support
import TestSupport
import Testing

@Suite("Include")
struct IncludeTests {
    private func parse(_ files: [String: String]) throws -> Configuration {
        try Configuration.parse(files: files.mapValues { Array($0.utf8) }, path: "/etc/g/g.conf")
    }

    private func problems(_ files: [String: String]) -> [String] {
        do {
            _ = try parse(files)
            return []
        } catch {
            return (error as? ConfigurationError)?.problems.map(\.description) ?? []
        }
    }

    @Test("a name is relative to the folder of the file that includes it")
    func relative() throws {
        let configuration = try parse([
            "/etc/g/g.conf": "Include site/a.conf\nInclude /srv/b.conf\n",
            "/etc/g/site/a.conf": "MaxStartups 5\nInclude c.conf\n",
            "/etc/g/site/c.conf": "MaxChannels 6\n",
            "/srv/b.conf": "MaxConnections 7\n",
        ])
        #expect(configuration.maximumStartups == 5)
        #expect(configuration.maximumChannels == 6)
        #expect(configuration.maximumConnections == 7)
    }

    @Test("lists go on across files, other keywords are at most once in all of them")
    func across() throws {
        let files = ["/etc/g/g.conf": "HostKey /a\nInclude b\nHostKey /c\n", "/etc/g/b": "HostKey /b\n"]
        #expect(try parse(files).hostKeys == ["/a", "/b", "/c"])
        #expect(
            problems(["/etc/g/g.conf": "LogLevel info\nInclude b\n", "/etc/g/b": "\nLogLevel debug\n"]) == [
                "/etc/g/b line 2: LogLevel is set twice, first in /etc/g/g.conf line 1"
            ])
    }

    @Test("a file that is not there is a mistake of the line that includes it")
    func missing() {
        #expect(
            problems(["/etc/g/g.conf": "\nInclude b\n"]) == [
                "/etc/g/g.conf line 2: cannot read /etc/g/b: No such file or directory"
            ])
        #expect(problems([:]) == ["/etc/g/g.conf: cannot be read: No such file or directory"])
    }

    @Test("files that include each other end in an error")
    func loops() {
        let one = problems(["/etc/g/g.conf": "Include g.conf\n"])
        #expect(one == ["/etc/g/g.conf line 1: files include each other too deeply or too often"])
        let many = String(repeating: "Include g.conf\n", count: 20)
        let problems = problems(["/etc/g/g.conf": many])
        #expect((1...50).contains(problems.count))
    }

    @Test("files are read from disk")
    func fromDisk() throws {
        let folder = try ScratchFolder()
        _ = try folder.write("LogLevel debug\n", to: "more.conf")
        let path = try folder.write("Include more.conf\nMaxAuthTries 3\n", to: "gatehouse.conf")
        let configuration = try Configuration.load(path: path)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.maximumAttempts == 3)
        let error = #expect(throws: ConfigurationError.self) { try Configuration.load(path: folder.path) }
        #expect(error?.description == "\(folder.path): cannot be read: Is a directory")
        let long = try folder.write(String(repeating: "#", count: 300_000), to: "long.conf")
        let tooLong = #expect(throws: ConfigurationError.self) { try Configuration.load(path: long) }
        #expect(tooLong?.description == "\(long): cannot be read: File too large")
    }
}
