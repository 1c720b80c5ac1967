/// Why something with AWS did not work.
package struct AWSError: Error, Equatable, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        // This side.
        /// A file, a variable or an address that is set is unusable.
        case configuration
        /// No source of credentials has any.
        case noCredentials
        /// Nothing says which region.
        case noRegion
        /// The call cannot be sent as it is.
        case invalidRequest
        case cryptography

        // On the way.
        /// No connection came about: nothing was sent.
        case unreachable
        /// The connection broke or the time was up: the call may have been carried out.
        case interrupted
        case responseTooLarge
        case malformedResponse

        // What the service says.
        /// Too many calls, also after waiting and asking again.
        case throttled
        /// A fault of the service, also after asking again.
        case serverFault
        /// The credentials are unknown or the signature is not theirs.
        case invalidCredentials
        case expiredCredentials
        /// The clocks are too far apart, also after correction.
        case clockSkew
        /// The credentials are good and do not allow this.
        case accessDenied
        case notFound
        /// The cloud has no room for such an instance now.
        case noCapacity
        /// The account has as much of it as it may have.
        case quotaExceeded
        /// Anything else that the service does not take.
        case rejected
    }

    /// What went wrong.
    ///
    /// Code switches on this; people read `description`.
    package let code: Code

    /// One line; never holds a secret.
    package let detail: String

    /// The service, such as `ssm`; empty when no call was made.
    package var service = ""

    /// The call, such as `SendCommand`; empty when no call was made.
    package var operation = ""

    /// The service's own code, such as `ThrottlingException`.
    package var serviceCode: String?

    /// The HTTP status.
    package var status: Int?

    /// What AWS support asks for.
    package var requestID: String?

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}

extension AWSError: CustomStringConvertible {
    /// One line with all of it: `ssm SendCommand: ThrottlingException: Rate exceeded (status 400, request 4f1c…)`.
    package var description: String {
        var text = operation.isEmpty ? "" : "\(service) \(operation): "
        if let serviceCode { text += "\(serviceCode): " }
        text += detail
        let facts = [status.map { "status \($0)" }, requestID.map { "request \($0)" }].compactMap { $0 }
        return facts.isEmpty ? text : "\(text) (\(facts.joined(separator: ", ")))"
    }
}

extension AWSError {
    /// The same error, of a certain call.
    func during(_ operation: String, of service: String) -> AWSError {
        var error = self
        error.service = service
        error.operation = operation
        return error
    }
}
