/// Why a tunnel through Session Manager does not come about, or ends.
package struct ChannelError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The other end sends what is not the protocol.
        case malformedMessage
        /// The stream's server turns the connection away, as it does when the token is old.
        case rejected
        /// The connection broke or could not be made.
        case disconnected
        /// The agent says nothing.
        case agentSilent
        /// The agent answers, and nothing speaks on the port.
        case portSilent
        /// The agent wants what this client cannot do.
        case unsupported
        /// The keys of an encrypted session do not fit.
        case encryption
        /// The session is over, as the service says.
        case ended
    }

    /// What went wrong.
    package let code: Code
    /// One line without secrets.
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { detail }
}
