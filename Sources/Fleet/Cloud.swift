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
        /// By region; the empty name is the chosen one.
        var sessions: [String: AWSSession] = [:]
    }

    private let environment: Environment
    private let state: Locked<State>

    package init(_ choice: Choice = Choice(), environment: Environment = .ofProcess()) {
        self.environment = environment
        state = Locked(State(choice: choice))
    }

    /// Systems Manager. Any thread; may block for some seconds the first time.
    ///
    /// - Parameter region: nil: the chosen one.
    /// - Throws: `AWSError` with code `noRegion`, or `configuration` for unusable settings.
    package func systemsManager(in region: String? = nil) throws(AWSError) -> SSMClient {
        SSMClient(try session(in: region))
    }

    /// EC2.
    ///
    /// - Throws: as `systemsManager`.
    package func computers(in region: String? = nil) throws(AWSError) -> EC2Client {
        EC2Client(try session(in: region))
    }

    /// S3.
    ///
    /// - Throws: as `systemsManager`.
    package func storage() throws(AWSError) -> S3Client { S3Client(try session(in: nil)) }

    /// The region in use.
    ///
    /// - Throws: as `systemsManager`.
    package func region() throws(AWSError) -> String { try session(in: nil).region }

    /// The credentials in use, for a process that is started to call AWS on its own.
    ///
    /// - Throws: as `systemsManager`, and `AWSError` with code `noCredentials`.
    package func credentials() throws(AWSError) -> Credentials { try session(in: nil).currentCredentials() }

    /// Goes by other settings from now on; calls under way end as they began.
    package func use(_ choice: Choice) {
        state.withLock { state in
            if state.choice != choice { state = State(choice: choice) }
        }
    }

    private func session(in region: String?) throws(AWSError) -> AWSSession {
        let name = region ?? ""
        let (choice, known) = state.withLock { ($0.choice, $0.sessions[name]) }
        if let known { return known }
        let made = try AWSSession.standard(
            choice.environment(from: environment), region: region ?? choice.region)
        return state.withLock { state in
            guard state.choice == choice else { return made }
            // Somebody else may have been quicker: all must go by one pace.
            if let first = state.sessions[name] { return first }
            state.sessions[name] = made
            return made
        }
    }
}
