import Control
import Monitor
import Testing

@Suite("What a session may ask, and when")
struct SessionStateTests {
    struct Cell: CustomTestStringConvertible, Sendable {
        let state: SessionState
        let request: SessionRequest
        let permitted: Bool
        var testDescription: String { "\(request) when \(state): \(permitted)" }
    }

    /// One column per state, in the order of `SessionState.allCases`; `x` is permitted.
    static let table: [(SessionRequest, String)] = [
        (.hello, "x......."),
        (.probeKey(login: "alice", key: []), ".xx....."),
        (.verifiedKey(login: "alice", key: [], clientVersion: ""), ".xx....."),
        (.refusedMethod(login: "alice", method: "password"), ".xx....."),
        (.interactive(login: "alice", clientVersion: ""), ".xx....."),
        (.password(login: "alice", password: [1], clientVersion: ""), ".xx....."),
        (.answers([[1]]), "..x....."),
        (.connect(publicKey: []), "....xx.."),
        (.hostFailed(.handshake, detail: ""), ".....x.."),
        (.hostReady, ".....x.."),
        (.record(RecordingRequest(kind: "shell", command: "")), ".....x.."),
        (.jump(host: "gpu1", port: 22), "...xxxx."),
        (.command, "...x...."),
        (.deliver, ".......x"),
        (.watcherProgram, ".......x"),
        (.journalGrew, ".xxxxxxx"),
    ]

    static let cells = table.flatMap { request, row in
        zip(SessionState.allCases, row).map { Cell(state: $0, request: request, permitted: $1 == "x") }
    }

    @Test("one cell of the table", arguments: cells)
    func cell(_ cell: Cell) {
        #expect(cell.state.permits(cell.request) == cell.permitted)
    }

    @Test("a grant's target decides the state after login")
    func afterLogin() {
        #expect(SessionState(granted: .gate) == .onGate)
        #expect(SessionState(granted: .host) == .beforeHost)
        #expect(SessionState(granted: .none(reason: "no")) == .nowhere)
        #expect(SessionState(granted: .book) == .onBook)
        #expect(
            SessionState.allCases.filter(\.isAuthenticated) == [
                .onGate, .beforeHost, .onHost, .nowhere, .onBook,
            ])
    }
}
