package import AWS
internal import Support

/// The way to AWS that all threads of the daemon share, with one pace for all their calls.
///
/// It is made when it is first asked for: a gateway whose hosts are no instances never looks for a region or credentials.
package final class Cloud: Sendable {
    /// What the configuration says; nil: AWS's standard chain does.
    package struct Choice: Equatable, Sendable {
        package var region: String?
        /// A profile of AWS's shared files, also for the credentials.
        package var profile: String?

        package init(region: String? = nil, profile: String? = nil) {
            self.region = region
            self.profile = profile
        }

        /// Who names a profile wants its keys, and not those that lie about.
        func environment(from environment: Environment) -> Environment {
            guard let profile else { return environment }
            return environment.with("AWS_PROFILE", profile).with("AWS_ACCESS_KEY_ID", nil)
                .with("AWS_SECRET_ACCESS_KEY", nil).with("AWS_SESSION_TOKEN", nil)
        }
    }

    private struct State {
        var choice: Choice
        var session: AWSSession?
    }

    private let environment: Environment
    private let state: Locked<State>

    package init(_ choice: Choice = Choice(), environment: Environment = .ofProcess()) {
        self.environment = environment
        state = Locked(State(choice: choice))
    }

    /// Systems Manager in the chosen region. Any thread; may block for some seconds the first time.
    ///
    /// - Throws: `AWSError` with code `noRegion`, or `configuration` for unusable settings.
    package func systemsManager() throws(AWSError) -> SSMClient { SSMClient(try session()) }

    /// EC2 in the chosen region.
    ///
    /// - Throws: as `systemsManager`.
    package func computers() throws(AWSError) -> EC2Client { EC2Client(try session()) }

    /// The region in use.
    ///
    /// - Throws: as `systemsManager`.
    package func region() throws(AWSError) -> String { try session().region }

    /// The credentials in use, for a process that is started to call AWS on its own.
    ///
    /// - Throws: as `systemsManager`, and `AWSError` with code `noCredentials`.
    package func credentials() throws(AWSError) -> Credentials { try session().currentCredentials() }

    /// Goes by other settings from now on; calls under way end as they began.
    package func use(_ choice: Choice) {
        state.withLock { state in
            if state.choice != choice { state = State(choice: choice) }
        }
    }

    private func session() throws(AWSError) -> AWSSession {
        let (choice, known) = state.withLock { ($0.choice, $0.session) }
        if let known { return known }
        let made = try AWSSession.standard(choice.environment(from: environment), region: choice.region)
        return state.withLock { state in
            // Somebody else was quicker: all must go by one pace.
            if state.choice == choice, let first = state.session { return first }
            if state.choice == choice { state.session = made }
            return made
        }
    }
}
