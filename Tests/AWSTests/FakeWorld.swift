import AWS
import Support

/// A network that answers as a test says, and keeps what it was sent.
final class FakeTransport: HTTPTransport {
    typealias Answer = @Sendable (HTTPRequest, Int) throws(AWSError) -> HTTPResponse

    private let answer: Answer
    private let sent = Locked<[HTTPRequest]>([])

    /// - Parameter answer: gets the request and how many came before it.
    init(_ answer: @escaping Answer) {
        self.answer = answer
    }

    /// Gives these answers, and the last one again and again.
    convenience init(_ answers: [Result<HTTPResponse, AWSError>]) {
        self.init { (_, index) throws(AWSError) in try answers[min(index, answers.count - 1)].get() }
    }

    var requests: [HTTPRequest] { sent.withLock { $0 } }

    func send(_ request: HTTPRequest) throws(AWSError) -> HTTPResponse {
        let index = sent.withLock { sent in
            sent.append(request)
            return sent.count - 1
        }
        return try answer(request, index)
    }
}

extension HTTPResponse {
    static func text(_ text: String, status: Int = 200, headers: [HTTPHeader] = []) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: Array(text.utf8))
    }
}

/// A clock that stands still but for sleep, and random numbers that are always the same.
final class FakeClock: Sendable {
    private let time: Locked<Timestamp>
    private let waits = Locked<[Duration]>([])

    init(_ text: String = "2026-01-31T12:00:00Z") {
        time = Locked(Timestamp(text) ?? Timestamp(milliseconds: 0))
    }

    var now: Timestamp { time.withLock { $0 } }
    var sleeps: [Duration] { waits.withLock { $0 } }

    func advance(_ duration: Duration) {
        time.withLock { $0 = $0 + duration }
    }

    func effects(random: Double = 0.5) -> Effects {
        Effects(
            now: { self.now },
            sleep: { duration in
                self.waits.withLock { $0.append(duration) }
                self.advance(duration)
            }, random: { random })
    }
}

extension AWSSession {
    /// A session with the keys of AWS's test vectors and no way to the network but `transport`.
    static func test(
        _ transport: any HTTPTransport, clock: FakeClock = FakeClock(), random: Double = 0.5,
        providers: [any CredentialProvider] = [EnvironmentCredentials(.keys)]
    ) throws -> AWSSession {
        try AWSSession(
            region: "eu-central-1", providers: providers,
            endpoints: Endpoints(region: "eu-central-1", environment: .keys, profile: nil),
            transport: transport, effects: clock.effects(random: random))
    }
}

extension Environment {
    static let keys = Environment([
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "a-very-secret-token",
    ])
}
