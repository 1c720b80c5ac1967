package import Directory

/// Starts and stops instances. Every call blocks.
package protocol InstanceSwitch: Sendable {
    /// How the cloud says that the instance is, and why where it says so.
    func state(of instance: HostInstance) throws(PowerError) -> (state: InstanceState, reason: String?)

    /// Has it started; returns before it is.
    func start(_ instance: HostInstance) throws(PowerError)

    /// Has it stopped; returns before it is.
    func stop(_ instance: HostInstance) throws(PowerError)
}

/// Why an instance is not started or stopped.
package struct PowerError: Error, Equatable, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        /// The cloud has no room for it now.
        case noCapacity
        /// The account's quota is used up.
        case quotaExceeded
        /// The gateway may not do this.
        case denied
        /// There is no such instance.
        case notFound
        /// The cloud was not asked, or did not answer: it may be different in a moment.
        case noAnswer
        /// Anything else that the cloud does not do.
        case rejected
    }

    /// What kind of failure; code switches on this.
    package let code: Code

    /// One line with what the cloud said; never holds a secret.
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
