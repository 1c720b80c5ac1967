import Audit
import Commands
import Configuration
import Control
import Glibc
import Recording
import Support
import TestSupport
import Testing

@Suite("Commands about recordings")
struct RecordingVerbTests {
    private static let id = "01JD0000000000000000000009"

    private let gateway: Gateway
    private let services: CommandServices
    private let state: TemporaryFolder
    private let recordings: RecordingFolder

    init() throws {
        gateway = try Gateway()
        state = try TemporaryFolder()
        recordings = RecordingFolder("\(state.path)/recordings")
        _ = unsafe mkdir(recordings.path, 0o700)
        var services = gateway.services
        services.configuration.stateDirectory = state.path
        self.services = services
        try services.events.start(
            Session(
                id: Self.id, user: "alice", host: "communal1", clientAddress: "192.0.2.7",
                started: Gateway.now),
            with: [Event(.sessionStarted, at: Gateway.now, session: Self.id, user: "alice")])
    }

    /// Writes a recording as its process does.
    private func record(_ channel: Int, start: UInt64, _ messages: [(RecordingMessage, UInt64)]) throws {
        let name = RecordingName(session: try #require(SessionID(Self.id)), channel: channel)
        let header = CastHeader(
            columns: 80, rows: 24, start: start, command: nil, terminal: "xterm",
            origin: [("session", Self.id), ("kind", "shell"), ("terminal", "yes")])
        var bytes: [UInt8] = []
        RecordingMessage.start(header: header.line, limit: 1 << 20).append(to: &bytes, at: start)
        for (message, time) in messages { message.append(to: &bytes, at: time) }
        let (ours, theirs) = try StreamSocket.pair()
        try ours.writeAll(bytes)
        shutdown(ours.number, Int32(SHUT_WR))
        let file = try Descriptor.open("\(recordings.path)/\(name)", O_CREAT | O_WRONLY, mode: 0o600)
        #expect(Recorder.run(socket: theirs, file: file) == 0)
    }

    private func run(_ line: String) -> (code: ExitCode, output: String) {
        let terminal = Transcript(pauses: 100)
        let words = line.split(separator: " ").map(String.init)
        let code = CommandService(services).run(words, for: Gateway.root, on: terminal)
        return (code, terminal.output + terminal.errors)
    }

    @Test("pauses and moments that no recording should have do no harm")
    func times() throws {
        let start = UInt64(Gateway.now.milliseconds) * 1_000
        try record(
            1, start: start,
            [
                (.data(.output, Array("first".utf8)), start + 1_000_000),
                (.data(.output, Array("last".utf8)), start + 300_000_000_000_000_000),
            ])
        let (code, output) = run("session replay \(Self.id) --speed 0.01")
        #expect(code == .success && output.contains("first") && output.contains("last"))
        #expect(run("session replay \(Self.id) --at 1970-01-01T00:00:00Z --dump").output.contains("first"))
        let late = run("session replay \(Self.id) --channel 1 --at 9999-12-31T23:59:59Z --dump")
        #expect(late.code == .success && !late.output.contains("first"))
        let far = run("session replay \(Self.id) --at 999999999:59:59 --speed 64")
        #expect(far.code == .success)

        try record(2, start: .max, [(.data(.output, Array("never".utf8)), .max)])
        #expect(run("session show \(Self.id)").output.contains("9999-12-31T23:59:59Z"))
        #expect(run("session replay \(Self.id) --channel 2 --at 12:30 --dump").output.contains("never"))
    }
}
