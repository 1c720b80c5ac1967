internal import AWS
package import Directory
package import Power

/// Starts and stops instances of EC2.
package struct CloudPower: InstanceSwitch {
    private let cloud: Cloud

    package init(_ cloud: Cloud) {
        self.cloud = cloud
    }

    package func state(
        of instance: HostInstance
    ) throws(PowerError) -> (state: InstanceState, reason: String?) {
        let found = try ask { () throws(AWSError) in
            try cloud.computers(in: instance.region).describeInstances(instanceIDs: [instance.id]).first
        }
        guard let found else { throw PowerError(.notFound, "EC2 does not tell about \(instance.id)") }
        return (InstanceState(rawValue: found.state.rawValue) ?? .unknown, found.stateReason)
    }

    package func start(_ instance: HostInstance) throws(PowerError) {
        _ = try ask { () throws(AWSError) in
            try cloud.computers(in: instance.region).startInstances([instance.id])
        }
    }

    package func stop(_ instance: HostInstance) throws(PowerError) {
        _ = try ask { () throws(AWSError) in
            try cloud.computers(in: instance.region).stopInstances([instance.id])
        }
    }

    private func ask<Answer>(_ question: () throws(AWSError) -> Answer) throws(PowerError) -> Answer {
        do throws(AWSError) { return try question() } catch { throw PowerError(error) }
    }
}

extension PowerError {
    fileprivate init(_ error: AWSError) {
        let code: Code =
            switch error.code {
            case .noCapacity: .noCapacity
            case .quotaExceeded: .quotaExceeded
            case .accessDenied: .denied
            case .notFound: .notFound
            case .interrupted, .malformedResponse, .responseTooLarge, .serverFault, .throttled, .unreachable:
                .noAnswer
            default: .rejected
            }
        self.init(code, error.description)
    }
}
