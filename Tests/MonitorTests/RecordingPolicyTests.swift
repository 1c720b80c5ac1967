import Configuration
import Control
import Monitor
import Testing

@Suite("What of a session is recorded")
struct RecordingPolicyTests {
    @Test(
        "one cell for each setting and grant",
        arguments: [
            (RecordingScope.none, false, Optional(RecordingDemand.none)), (.none, true, nil),
            (.required, false, RecordingDemand.none),
            (.required, true, RecordingDemand(terminals: true, programs: true, isRequired: true)),
            (.all, false, RecordingDemand(terminals: true)),
            (.all, true, RecordingDemand(terminals: true, programs: true, isRequired: true)),
        ])
    func cell(_ scope: RecordingScope, _ isDemanded: Bool, _ wanted: RecordingDemand?) {
        var configuration = Configuration()
        configuration.recordSessions = scope
        #expect(RecordingPolicy.demand(configuration, isDemanded: isDemanded) == wanted)
        configuration.recordsInput = true
        configuration.recordsCommands = true
        let all = RecordingPolicy.demand(configuration, isDemanded: isDemanded)
        #expect(all?.input == wanted.map(\.terminals))
        #expect(all?.programs == wanted.map(\.terminals))
        #expect(all?.isRequired == wanted?.isRequired)
    }

    @Test("recorders are counted, for each person and for all")
    func places() {
        func alices(_ count: Int) -> [String] { Array(repeating: "alice", count: count) }
        #expect(RecordingPolicy.hasPlace(for: "alice", beside: alices(127) + ["bob"]))
        #expect(!RecordingPolicy.hasPlace(for: "alice", beside: alices(128)))
        #expect(RecordingPolicy.hasPlace(for: "bob", beside: alices(128)))
        #expect(!RecordingPolicy.hasPlace(for: "bob", beside: (0..<2_048).map { "user\($0)" }))
    }

    @Test("a shell or program without a terminal is no way round, nor is the subsystem sftp")
    func covered() {
        let required = RecordingDemand(terminals: true, programs: true, isRequired: true)
        #expect(required.covers(hasTerminal: true, subsystem: nil))
        #expect(required.covers(hasTerminal: false, subsystem: nil))
        #expect(required.covers(hasTerminal: false, subsystem: "netconf"))
        // The user's startup files run before it.
        #expect(required.covers(hasTerminal: false, subsystem: "sftp"))
        // A terminal is one, whatever runs on it.
        #expect(required.covers(hasTerminal: true, subsystem: "sftp"))
        let wanted = RecordingDemand(terminals: true, programs: true)
        #expect(wanted.covers(hasTerminal: false, subsystem: nil))
        #expect(!wanted.covers(hasTerminal: false, subsystem: "sftp"))
        let terminals = RecordingDemand(terminals: true)
        #expect(!terminals.covers(hasTerminal: false, subsystem: nil))
        #expect(!RecordingDemand.none.covers(hasTerminal: true, subsystem: nil))
    }
}
