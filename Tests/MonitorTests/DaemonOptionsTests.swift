import Monitor
import Testing

@Suite("gatehoused's words")
struct DaemonOptionsTests {
    @Test("none serve with the usual configuration")
    func none() throws {
        let options = try #require(DaemonOptions([]))
        #expect(options.mode == .serve)
        #expect(options.configuration == "/etc/gatehouse/gatehouse.conf")
    }

    @Test("name a mode and a file, in any order", arguments: [["-T", "-f", "/a"], ["-f", "/a", "-T"]])
    func words(_ words: [String]) throws {
        let options = try #require(DaemonOptions(words))
        #expect(options.mode == .print)
        #expect(options.configuration == "/a")
    }

    @Test("that make no sense are refused", arguments: [["-f"], ["-x"], ["-t", "file"], ["--help"]])
    func nonsense(_ words: [String]) {
        #expect(DaemonOptions(words) == nil)
    }
}
