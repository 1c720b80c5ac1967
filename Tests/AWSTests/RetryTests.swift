import AWS
import Support
import Testing

@Suite("The wait between attempts")
struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test("doubles its ceiling up to a limit, and jitters over all of it", arguments: [0, 0.25, 0.999])
    func ceiling(_ random: Double) {
        let ceilings: [Duration] = [
            .milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1_600),
            .milliseconds(3_200), .milliseconds(6_400), .milliseconds(12_800), .seconds(20), .seconds(20),
        ]
        for (index, ceiling) in ceilings.enumerated() {
            #expect(policy.delay(afterAttempt: index + 1, random: random) == ceiling * random)
        }
        #expect(policy.delay(afterAttempt: Int.max, random: 1) == .seconds(20))
        #expect(policy.delay(afterAttempt: Int.min, random: 1) == .milliseconds(200))
    }

    @Test("is never shorter than the service asks for, within a minute")
    func serverWait() {
        #expect(policy.delay(afterAttempt: 1, random: 0, serverWait: .seconds(7)) == .seconds(7))
        #expect(policy.delay(afterAttempt: 1, random: 0, serverWait: .seconds(86_400)) == .seconds(60))
        #expect(policy.delay(afterAttempt: 1, random: 0, serverWait: .seconds(-7)) == .zero)
    }
}

@Suite("A call")
struct CallTests {
    private let clock = FakeClock()

    private static let success = HTTPResponse.text("{}")

    private static func failure(
        _ code: String, _ message: String = "No.", status: Int = 400, headers: [HTTPHeader] = []
    ) -> HTTPResponse {
        let all = [HTTPHeader("x-amzn-RequestId", "4f1c")] + headers
        return .text(
            #"{"__type":"com.amazonaws.ssm#\#(code)","message":"\#(message)"}"#, status: status, headers: all)
    }

    /// Makes a call that may be repeated, or one that may not.
    private func call(_ transport: FakeTransport, isRepeatable: Bool = true) throws {
        let client = SSMClient(try .test(transport, clock: clock))
        if isRepeatable {
            try client.cancelCommand("c-1")
        } else {
            var request = CommandRequest.shellScript(["true"], executionTimeout: .seconds(60), on: ["i-1"])
            request.isRepeatable = false
            _ = try client.sendCommand(request)
        }
    }

    @Test(
        "is repeated after a wait when there is no room, with whatever name and status",
        arguments: [
            failure("ThrottlingException"), failure("RequestLimitExceeded", status: 503),
            failure("Other", status: 429),
            HTTPResponse(status: 429),
        ])
    func throttled(_ response: HTTPResponse) throws {
        let transport = FakeTransport([.success(response), .success(response), .success(Self.success)])
        try call(transport)
        #expect(transport.requests.count == 3)
        #expect(clock.sleeps == [.milliseconds(100), .milliseconds(200)])
    }

    @Test("gives up after ten times without room")
    func throttledForEver() throws {
        let transport = FakeTransport([.success(Self.failure("ThrottlingException", "Rate exceeded"))])
        #expect {
            try call(transport)
        } throws: { error in
            let error = error as? AWSError
            return error?.code == .throttled
                && error?.description
                    == "ssm CancelCommand: ThrottlingException: Rate exceeded (status 400, request 4f1c)"
        }
        #expect(transport.requests.count == 10)
    }

    @Test("waits at least as long as the service says")
    func retryAfter() throws {
        let busy = Self.failure("ThrottlingException", headers: [HTTPHeader("Retry-After", "3")])
        let odd = Self.failure(
            "ThrottlingException", headers: [HTTPHeader("Retry-After", "-99999999999999999")])
        try call(FakeTransport([.success(busy), .success(odd), .success(Self.success)]))
        #expect(clock.sleeps == [.milliseconds(3_100), .milliseconds(200)])
    }

    @Test(
        "is made four times when the service fails or the connection breaks",
        arguments: [
            Result.success(failure("InternalServerError", status: 500)),
            .success(.text("<html>Bad gateway</html>", status: 502)), .success(HTTPResponse(status: 504)),
            .failure(AWSError(.unreachable, "x")), .failure(AWSError(.interrupted, "x")),
        ])
    func faults(_ outcome: Result<HTTPResponse, AWSError>) throws {
        let transport = FakeTransport([outcome])
        #expect(throws: AWSError.self) { try call(transport) }
        #expect(transport.requests.count == 4)
        #expect(clock.sleeps.count == 3)
    }

    @Test("that must not be done twice is repeated only when it surely was not done")
    func unrepeatable() throws {
        for outcome in [
            Result.success(Self.failure("InternalServerError", status: 500)),
            .failure(AWSError(.interrupted, "x")),
        ] {
            let transport = FakeTransport([outcome])
            #expect(throws: AWSError.self) { try call(transport, isRepeatable: false) }
            #expect(transport.requests.count == 1)
        }
        let taken = HTTPResponse.text(#"{"Command":{"CommandId":"c-1","Status":"Pending"}}"#)
        let transport = FakeTransport([
            .failure(AWSError(.unreachable, "x")), .success(Self.failure("ThrottlingException")),
            .success(taken),
        ])
        try call(transport, isRepeatable: false)
        #expect(transport.requests.count == 3)
    }

    @Test(
        "is not repeated when the service means it",
        arguments: [
            ("AccessDeniedException", AWSError.Code.accessDenied), ("ValidationException", .rejected),
            ("InvalidCommandId", .notFound), ("UnrecognizedClientException", .invalidCredentials),
        ])
    func final(_ name: String, _ expected: AWSError.Code) throws {
        let transport = FakeTransport([.success(Self.failure(name))])
        #expect(code { try call(transport) } == expected)
        #expect(transport.requests.count == 1)
    }

    @Test(
        "is signed anew with the service's time when the clocks differ",
        arguments: [
            "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed",
        ])
    func skew(_ name: String) throws {
        let date = HTTPHeader("Date", "Sat, 31 Jan 2026 12:10:00 GMT")
        let transport = FakeTransport([
            .success(Self.failure(name, status: 403, headers: [date])), .success(Self.success),
        ])
        let session = try AWSSession.test(transport, clock: clock)
        try SSMClient(session).cancelCommand("c-1")
        #expect(
            transport.requests.map { $0.header("X-Amz-Date") } == ["20260131T120000Z", "20260131T121000Z"])
        // And stays so, as the clock goes on.
        clock.advance(.seconds(60))
        try SSMClient(session).cancelCommand("c-1")
        #expect(transport.requests.last?.header("X-Amz-Date") == "20260131T121100Z")
        #expect(clock.sleeps.isEmpty)
    }

    @Test("with a wrong signature is not repeated when the clocks agree, or nobody says what time it is")
    func noSkew() throws {
        for headers in [
            [], [HTTPHeader("Date", "Sat, 31 Jan 2026 12:03:00 GMT")], [HTTPHeader("Date", "today")],
        ] {
            let transport = FakeTransport([
                .success(Self.failure("SignatureDoesNotMatch", status: 403, headers: headers))
            ])
            #expect(code { try call(transport) } == .invalidCredentials)
            #expect(transport.requests.count == 1)
        }
    }

    @Test("corrects the clock once, not again and again")
    func skewForEver() throws {
        let clock = clock
        let transport = FakeTransport { (_, index) throws(AWSError) in
            let minute = index.isMultiple(of: 2) ? "10" : "50"
            return Self.failure(
                "RequestTimeTooSkewed", headers: [HTTPHeader("Date", "Sat, 31 Jan 2026 12:\(minute):00 GMT")])
        }
        #expect(code { try SSMClient(.test(transport, clock: clock)).cancelCommand("c") } == .clockSkew)
        #expect(transport.requests.count == 2)
    }

    @Test("asks for new credentials once when they have expired")
    func expired() throws {
        let calls = Locked(0)
        let provider = CountingProvider(calls)
        let transport = FakeTransport { (request, _) throws(AWSError) in
            let isNew = request.header("Authorization")?.contains("Credential=KEY2/") == true
            return isNew ? Self.success : Self.failure("ExpiredTokenException")
        }
        try SSMClient(.test(transport, clock: clock, providers: [provider])).cancelCommand("c")
        #expect(transport.requests.count == 2)
    }

    @Test(
        "is not repeated with the same credentials",
        arguments: [
            ("ExpiredToken", AWSError.Code.expiredCredentials), ("RequestExpired", .expiredCredentials),
            ("InvalidClientTokenId", .invalidCredentials),
        ])
    func sameCredentials(_ name: String, _ expected: AWSError.Code) throws {
        let transport = FakeTransport([.success(Self.failure(name))])
        #expect(code { try call(transport) } == expected)
        #expect(transport.requests.count == 1)
    }

    @Test("is repeated once with keys that have been replaced, and no oftener")
    func replacedKeys() throws {
        let transport = FakeTransport([.success(Self.failure("UnrecognizedClientException"))])
        let provider = CountingProvider(Locked(0))
        #expect(
            code { try SSMClient(.test(transport, clock: clock, providers: [provider])).cancelCommand("c") }
                == .invalidCredentials)
        #expect(transport.requests.count == 2)
    }

    @Test("never shows a secret that the service repeats, nor more than a line")
    func redaction() throws {
        let message =
            #"The canonical string is a-very-secret-token\nx-amz-security-token:a-very-secret-token\u001b"#
        let transport = FakeTransport([.success(Self.failure("SignatureDoesNotMatch", message, status: 403))])
        #expect {
            try call(transport)
        } throws: { error in
            (error as? AWSError)?.detail == "The canonical string is [redacted]"
        }
    }

    @Test("tells apart credentials that cannot be found")
    func noCredentials() throws {
        let transport = FakeTransport([.success(Self.success)])
        #expect(
            code { try SSMClient(.test(transport, clock: clock, providers: [])).cancelCommand("c") }
                == .noCredentials)
        #expect(transport.requests.isEmpty)
    }
}

/// Gives KEY1, KEY2 and so on.
private struct CountingProvider: CredentialProvider {
    let name = "counter"
    private let calls: Locked<Int>

    init(_ calls: Locked<Int>) {
        self.calls = calls
    }

    func load() throws(AWSError) -> Credentials? {
        let number = calls.withLock { count in
            count += 1
            return count
        }
        return try Credentials(accessKeyID: "KEY\(number)", secretAccessKey: "S", source: name)
    }
}
