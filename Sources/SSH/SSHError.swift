/// What libssh could not do.
package struct SSHError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What went wrong, for code.
    package enum Code: String, Sendable {
        case outOfMemory
        case badHostKey
        case badCertificate
        case badOption
        case handshake
        case loginRefused
        case connectionLost
    }

    /// What went wrong; code switches on this, people read `detail`.
    package let code: Code

    /// One line for the log; never holds a secret. May hold the peer's words.
    package let detail: String

    /// Makes an error; `detail` may hold the peer's words.
    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}

/// How far a step that waits for the peer has come.
package enum Progress: Equatable, Sendable {
    /// Not yet: call again when the descriptor is ready.
    case again
    /// The peer agreed.
    case done
    /// The peer refused.
    case refused
}
