package import Control

/// Knows how hosts are now, besides what the directory says.
package protocol HostConditions: Sendable {
    /// What is known of a host, without asking it.
    func condition(of host: String) -> HostCondition
}

/// How a host is now.
package struct HostCondition: Sendable {
    /// Sessions on it and on their way to it.
    package var sessions: Int
    /// How busy it says it is; nil: it has not said so lately.
    package var load: HostLoad?
    /// Why it is avoided; nil: it answers, as far as is known.
    package var failure: String?

    package init(sessions: Int = 0, load: HostLoad? = nil, failure: String? = nil) {
        self.sessions = sessions
        self.load = load
        self.failure = failure
    }
}
