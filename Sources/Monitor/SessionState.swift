package import Control

/// How far a session has come; decides which requests its process may make.
///
/// As in OpenSSH's monitor: what the table does not permit ends the session. A client that breaks into the session process before
/// login can ask nothing but whether keys and answers are right, and claim to have seen a signature: libssh verifies those in that process.
package enum SessionState: CaseIterable, Sendable {
    /// Nothing was said yet.
    case new
    /// Has its settings; nobody has logged in.
    case authenticating
    /// The same, and questions wait for their answers.
    case conversing
    /// Logged in; leads to the gateway's own commands.
    case onGate
    /// Logged in; leads to a host that was not asked for yet.
    case beforeHost
    /// Logged in; has been given a connection to its host.
    case onHost
    /// Logged in; leads nowhere.
    case nowhere
    /// A host's watcher has logged in; it delivers to the book, or fetches its program.
    case onBook

    /// Whether a session in this state may make this request.
    package func permits(_ request: SessionRequest) -> Bool {
        switch (request, self) {
        case (.hello, .new),
            (.probeKey, .authenticating), (.verifiedKey, .authenticating), (.refusedMethod, .authenticating),
            (.interactive, .authenticating), (.password, .authenticating),
            // A client may turn to another method instead of answering (RFC 4256 section 3.1).
            (.probeKey, .conversing), (.verifiedKey, .conversing), (.refusedMethod, .conversing),
            (.interactive, .conversing), (.password, .conversing), (.answers, .conversing),
            (.connect, .beforeHost), (.connect, .onHost), (.record, .onHost),
            (.hostReady, .onHost), (.hostFailed, .onHost),
            (.jump, .onGate), (.jump, .beforeHost), (.jump, .onHost), (.jump, .nowhere),
            (.command, .onGate), (.deliver, .onBook), (.watcherProgram, .onBook):
            true
        case (.journalGrew, _):
            self != .new
        default:
            false
        }
    }

    /// The state of a session that has just been granted `target`.
    package init(granted target: SessionGrant.Target) {
        self =
            switch target {
            case .gate: .onGate
            case .host: .beforeHost
            case .none: .nowhere
            case .book: .onBook
            }
    }

    /// Whether somebody has logged in.
    package var isAuthenticated: Bool { self != .new && self != .authenticating && self != .conversing }
}
