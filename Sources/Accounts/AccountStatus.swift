package import Support

/// How an account on a host stands, as far as is known.
package struct AccountStatus: Equatable, Sendable {
    /// How an account stands.
    package enum State: String, Sendable, CaseIterable {
        /// As the directory wants it.
        case ok
        /// Wanted, and not there yet.
        case missing
        /// There, but not as the directory wants it.
        case stale
        /// Refused, because a name, a number or the home belongs to another.
        case conflict
        /// Not wanted any more, and locked.
        case locked
        /// The host did not answer when it was last asked.
        case unreachable
    }

    package let host: String
    /// nil: the host itself, with what is nobody's alone.
    package let user: String?
    package let state: State
    /// Since when, as far as is known; nil: nobody has looked yet.
    package let since: Timestamp?
    /// For people; may be empty.
    package let reason: String

    package init(host: String, user: String?, state: State, since: Timestamp?, reason: String = "") {
        self.host = host
        self.user = user
        self.state = state
        self.since = since
        self.reason = reason
    }
}
