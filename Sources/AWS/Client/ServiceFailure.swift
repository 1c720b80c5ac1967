internal import FoundationEssentials
internal import Support

/// What a service says when it does not do what it is asked.
struct ServiceFailure {
    let status: Int
    let code: String?
    let message: String?
    let requestID: String?

    /// Reads an error of the JSON and of the Query protocol; anything else, such as the page of a proxy, is told by its status.
    init(_ response: HTTPResponse) {
        status = response.status
        var code = response.header("x-amzn-ErrorType")
        var message: String?
        var requestID = response.header("x-amzn-RequestId") ?? response.header("x-amz-request-id")
        let start = response.body.first { !($0 == 0x20 || (0x09...0x0D).contains($0)) }
        if start == UInt8(ascii: "{"),
            let body = try? JSONDecoder().decode(JSONBody.self, from: Data(response.body))
        {
            code = code ?? body.type ?? body.code
            message = body.message ?? body.otherMessage
        } else if start == UInt8(ascii: "<"), let root = try? XMLReader.parse(response.body) {
            let error = root["Errors"]?["Error"] ?? root["Error"] ?? root
            code = code ?? error.string("Code")
            message = error.string("Message")
            requestID = requestID ?? root.string("RequestID") ?? root.string("RequestId")
        }
        self.code = code.flatMap(Self.bareCode)
        self.message = message
        self.requestID = requestID.map { String($0.prefix(128)).printable }
    }

    private struct JSONBody: Decodable {
        var type: String?
        var code: String?
        var message: String?
        var otherMessage: String?

        enum CodingKeys: String, CodingKey {
            case type = "__type"
            case code
            case message
            case otherMessage = "Message"
        }
    }

    /// `com.amazonaws.ssm#InvalidInstanceId:http://…` is `InvalidInstanceId`.
    private static func bareCode(_ text: String) -> String? {
        let name = text.prefix { $0 != ":" }
        let bare = name.lastIndex(of: "#").map { name[$0...].dropFirst() } ?? name
        return bare.isEmpty ? nil : String(bare.prefix(128)).printable
    }

    /// The error for people and code, without the secrets of `credentials`.
    func error(redacting credentials: Credentials, clocksAgree: Bool) -> AWSError {
        // The lines after the first repeat the request when a signature is rejected.
        let line = message?.split(whereSeparator: \.isNewline).first.map { String($0.prefix(400)) }
        let detail =
            line.map { credentials.redacted($0).printable } ?? "the service answers with status \(status)"
        // EC2 says this of old requests and of old credentials.
        let isExpired = clocksAgree && code == "RequestExpired"
        var error = AWSError(isExpired ? .expiredCredentials : kind, detail)
        error.serviceCode = code
        error.status = status
        error.requestID = requestID
        return error
    }

    private static let throttling: Set<String> = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
        "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
        "EC2ThrottledException",
        "BandwidthLimitExceeded", "ProvisionedThroughputExceededException", "PriorRequestNotComplete",
        "SlowDown", "TransactionInProgressException",
    ]
    private static let faults: Set<String> = [
        "InternalError", "InternalFailure", "InternalServerError", "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable", "ServiceUnavailableException", "Unavailable",
    ]
    private static let skew: Set<String> = [
        "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed",
    ]
    private static let badCredentials: Set<String> = [
        "AuthFailure", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
        "InvalidSignatureException", "MissingAuthenticationToken", "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ]
    private static let denied: Set<String> = [
        "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "OptInRequired",
    ]
    private static let absent: Set<String> = [
        "InvocationDoesNotExist", "ParameterNotFound", "ParameterVersionNotFound", "InvalidCommandId",
        "InvalidInstanceID.NotFound",
    ]
    // The first of these come with the status of a fault, but asking again at once does not help.
    private static let capacity: Set<String> = [
        "InsufficientCapacity", "InsufficientHostCapacity", "InsufficientInstanceCapacity",
        "InsufficientReservedInstanceCapacity",
    ]
    private static let quotas: Set<String> = [
        "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded", "VcpuLimitExceeded",
    ]

    /// Which of our codes this is.
    var kind: AWSError.Code {
        guard let code else { return kindOfStatus }
        if Self.throttling.contains(code) { return .throttled }
        if Self.faults.contains(code) { return .serverFault }
        if code == "ExpiredToken" || code == "ExpiredTokenException" { return .expiredCredentials }
        if Self.skew.contains(code) { return .clockSkew }
        if Self.badCredentials.contains(code) { return .invalidCredentials }
        if Self.denied.contains(code) { return .accessDenied }
        if Self.absent.contains(code) { return .notFound }
        if Self.capacity.contains(code) { return .noCapacity }
        if Self.quotas.contains(code) { return .quotaExceeded }
        return kindOfStatus
    }

    private var kindOfStatus: AWSError.Code {
        switch status {
        case 429: .throttled
        case 500...599: .serverFault
        default: .rejected
        }
    }
}
