/// Why a session is ended from outside: the value that comes with SIGTERM.
package enum EndCause: Int32, CaseIterable, Sendable {
    case administrator = 0
    /// What permitted it is not granted any more.
    case grant
    /// It is not recorded and would have to be.
    case recording
    /// Its user may not log in any more.
    case user
    /// Its host takes no sessions.
    case drain

    /// What the person is told.
    package var sentence: String {
        switch self {
        case .administrator: "this session was ended by an administrator"
        case .grant: "this session was ended: what permitted it is not granted any more"
        case .recording: "this session was ended: sessions here have to be recorded now. Log in again"
        case .user: "this session was ended: you may not log in any more"
        case .drain: "this session was ended: the host takes no sessions now"
        }
    }

    /// For the event log.
    package var reason: String {
        switch self {
        case .administrator: "ended by an administrator"
        case .grant: "what permitted it is not granted any more"
        case .recording: "sessions have to be recorded"
        case .user: "the user may not log in any more"
        case .drain: "the host takes no sessions"
        }
    }
}

/// What a session is told of the end of what permits it: the value that comes with SIGURG, on which nothing happens in the
/// sessions of a daemon that knew of none of this.
package enum EndNotice: Int32, Sendable {
    /// It is not near any more.
    case withdrawn = 0
    case near = 1

    /// What a person is told.
    package static let sentence = "what permits this session ends within five minutes"
}
