package import Support

/// The metadata service of an EC2 instance (IMDSv2): the role's credentials and the region.
///
/// Any thread may use it.
package final class InstanceMetadata: CredentialProvider {
    package let name = "instance metadata"

    private struct Token {
        let text: String
        let expiration: Timestamp
    }

    private static let tokenLifetime = Duration.seconds(21_600)
    private static let credentialsPath = "/latest/meta-data/iam/security-credentials/"

    private let environment: Environment
    private let transport: any HTTPTransport
    private let now: @Sendable () -> Timestamp
    private let token = Locked<Token?>(nil)

    package init(
        _ environment: Environment, transport: any HTTPTransport,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.environment = environment
        self.transport = transport
        self.now = now
    }

    package func load() throws(AWSError) -> Credentials? {
        guard let role = try read(Self.credentialsPath)?.split(whereSeparator: \.isNewline).first else {
            return nil
        }
        let path = Self.credentialsPath + PercentEncoding.encode(String(role))
        guard let body = try read(path) else { return nil }
        return try TemporaryCredentials.parse(Array(body.utf8), source: "the instance metadata service")
    }

    /// The region that this instance runs in; nil when this is no instance.
    ///
    /// - Throws: `AWSError`.
    package func region() throws(AWSError) -> String? {
        try read("/latest/meta-data/placement/region")
    }

    /// Reads one document.
    ///
    /// - Returns: nil when there is no service here, or no such document.
    private func read(_ path: String) throws(AWSError) -> String? {
        if environment.isTrue("AWS_EC2_METADATA_DISABLED") { return nil }
        let base = try address()
        // A second time with a new token, should the service have forgotten the old one.
        for _ in 1...2 {
            guard let token = try currentToken(base) else { return nil }
            let response = try send(
                "GET", base.appending(path), header: HTTPHeader("X-aws-ec2-metadata-token", token))
            switch response.status {
            case 200:
                return String(decoding: response.body, as: UTF8.self)
            case 401:
                self.token.withLock { $0 = nil }
            case 404:
                return nil
            default:
                throw AWSError(.noCredentials, "the instance metadata service answers \(response.status)")
            }
        }
        throw AWSError(.noCredentials, "the instance metadata service does not take its own token")
    }

    private func currentToken(_ base: HTTPURL) throws(AWSError) -> String? {
        let present = now()
        if let known = token.withLock({ $0 }), present + .seconds(60) < known.expiration { return known.text }
        let lifetime = Self.tokenLifetime.components.seconds
        let response: HTTPResponse
        do throws(AWSError) {
            response = try send(
                "PUT", base.appending("/latest/api/token"),
                header: HTTPHeader("X-aws-ec2-metadata-token-ttl-seconds", String(lifetime)))
        } catch {
            // Elsewhere than on EC2 nobody answers at this address.
            if error.code == .unreachable || error.code == .interrupted { return nil }
            throw error
        }
        if response.status == 403 || response.status == 404 { return nil }
        guard response.status == 200, !response.body.isEmpty,
            response.body.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw AWSError(.noCredentials, "the instance metadata service gives no token: \(response.status)")
        }
        let text = String(decoding: response.body, as: UTF8.self)
        token.withLock { $0 = Token(text: text, expiration: present + Self.tokenLifetime) }
        return text
    }

    private func send(
        _ method: String, _ url: HTTPURL, header: HTTPHeader
    ) throws(AWSError) -> HTTPResponse {
        var request = HTTPRequest(method, url, headers: [header])
        request.connectTimeout = .seconds(1)
        request.timeout = .seconds(2)
        request.maximumResponseByteCount = 1 << 16
        request.usesProxy = false
        return try transport.send(request)
    }

    private func address() throws(AWSError) -> HTTPURL {
        let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
        if let text = environment[name] { return try HTTPURL(text, from: name) }
        let isIPv6 = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
        return try HTTPURL(isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254", from: name)
    }
}
