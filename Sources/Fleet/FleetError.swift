internal import AWS

/// Why nothing could be done on an instance.
package struct FleetError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The host is no instance, or Systems Manager does not know it.
        case notManaged
        /// The instance's agent does not fetch commands.
        case silentAgent
        /// AWS does not do what the gateway asks.
        case cloud
    }

    /// What kind of failure; code switches on this.
    package let code: Code

    /// One sentence without a full stop; never holds a secret.
    package let detail: String

    /// What to do about it.
    package let hint: String?

    package init(_ code: Code, _ detail: String, hint: String? = nil) {
        self.code = code
        self.detail = detail
        self.hint = hint
    }

    package var description: String { detail }
}

extension FleetError {
    /// AWS did not do something that was about a host.
    init(_ error: AWSError, about host: String) {
        let hint: String? =
            switch error.code {
            case .noRegion: "set AWSRegion in gatehouse.conf"
            case .noCredentials, .invalidCredentials, .expiredCredentials, .configuration:
                "see AWSProfile in gatehouse.conf(5) for where credentials come from"
            case .accessDenied:
                "the gateway needs ssm:SendCommand, ListCommandInvocations, GetCommandInvocation, CancelCommand and "
                    + "DescribeInstanceInformation"
            case .throttled: "AWS has no room for more calls now; what was not done is done by the next run"
            case .clockSkew: "set this machine's clock"
            default: nil
            }
        self.init(.cloud, "\(host) cannot be worked on: \(error)", hint: hint)
    }
}
