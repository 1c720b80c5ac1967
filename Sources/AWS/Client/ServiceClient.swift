internal import Support

/// Makes calls of one service: signs, sends, waits and asks again where that helps.
struct ServiceClient: Sendable {
    let service: String
    let session: AWSSession

    /// Makes one call, on the calling thread, however long it takes.
    ///
    /// - Parameters:
    ///   - operation: the call's name, for messages.
    ///   - isRepeatable: whether it does no harm when AWS does it twice, should an answer be lost.
    ///   - prepare: fills in headers and body.
    /// - Returns: an answer with a status from 200 to 299.
    /// - Throws: `AWSError`.
    func call(
        _ operation: String, isRepeatable: Bool = true, _ prepare: (inout HTTPRequest) -> Void
    ) throws(AWSError) -> HTTPResponse {
        do throws(AWSError) {
            var request = HTTPRequest("POST", try session.endpoints.url(of: service))
            request.setHeader("User-Agent", "gatehouse")
            if request.url.isLoopback { request.usesProxy = false }
            prepare(&request)
            return try send(request, operation, isRepeatable: isRepeatable)
        } catch {
            throw error.during(operation, of: service)
        }
    }

    private func send(
        _ request: HTTPRequest, _ operation: String, isRepeatable: Bool
    ) throws(AWSError) -> HTTPResponse {
        let name = "\(service).\(operation)"
        let signer = Signer(service: service, region: session.region)
        var attempts = CallAttempts(policy: session.policy, isRepeatable: isRepeatable)
        while true {
            let credentials = try session.credentials.current()
            session.pacing?.wait(for: name, session.effects)
            let start = session.effects.now()
            let signed = try signer.sign(request, with: credentials, at: session.clock.now)
            let error: AWSError
            let outcome: CallAttempts.Outcome
            var serverTime: Timestamp?
            do throws(AWSError) {
                let response = try session.transport.send(signed)
                if (200...299).contains(response.status) {
                    session.pacing?.noteSuccess(of: name, at: session.effects.now())
                    return response
                }
                serverTime = response.header("Date").flatMap(HTTPDate.parse)
                let skew = skew(to: serverTime)
                error = ServiceFailure(response).error(redacting: credentials, clocksAgree: skew == .zero)
                outcome = Self.outcome(of: error, response, skew: skew)
                if error.code == .throttled {
                    session.pacing?.noteThrottling(of: name, start: start, at: session.effects.now())
                }
            } catch let failure {
                error = failure
                outcome = Self.outcome(of: failure)
            }
            switch attempts.next(after: outcome, random: session.effects.random()) {
            case .giveUp: throw error
            case .repeatAfter(let delay): session.effects.sleep(delay)
            case .repeatWithServerTime: if let serverTime { session.clock.correct(to: serverTime) }
            case .repeatWithNewCredentials:
                session.credentials.discard(credentials)
                guard let others = try? session.credentials.current(), others != credentials else {
                    throw error
                }
            }
        }
    }

    private static func outcome(of error: AWSError) -> CallAttempts.Outcome {
        switch error.code {
        case .unreachable: .unreachable
        case .interrupted: .interrupted
        default: .final
        }
    }

    /// How far the service's clock is ahead; dates have whole seconds, so less than two are none.
    private func skew(to serverTime: Timestamp?) -> Duration {
        let difference = serverTime.map { $0.milliseconds - session.clock.now.milliseconds } ?? 0
        return Swift.abs(difference) < 2_000 ? .zero : .milliseconds(difference)
    }

    private static func outcome(
        of error: AWSError, _ response: HTTPResponse, skew: Duration
    ) -> CallAttempts.Outcome {
        let wait = response.header("Retry-After").flatMap { UInt32($0) }.map { Duration.seconds($0) }
        return switch error.code {
        case .throttled: .throttled(serverWait: wait)
        case .serverFault: .serverFault(serverWait: wait)
        case .clockSkew: .clockSkew(skew: skew)
        case .invalidCredentials: .rejectedSignature(skew: skew)
        case .expiredCredentials: .expiredCredentials
        default: .final
        }
    }
}
