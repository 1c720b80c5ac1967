internal import Glibc
internal import Support

/// The credential service of ECS and EKS, at `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`.
package struct ContainerCredentials: CredentialProvider {
    package let name = "container"
    private let environment: Environment
    private let transport: any HTTPTransport

    /// Where ECS and EKS serve credentials without TLS.
    private static let trustedHosts: Set<String> = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"]

    package init(_ environment: Environment, transport: any HTTPTransport) {
        self.environment = environment
        self.transport = transport
    }

    package func load() throws(AWSError) -> Credentials? {
        guard let url = try address() else { return nil }
        var request = HTTPRequest("GET", url, headers: [HTTPHeader("Accept", "application/json")])
        request.connectTimeout = .seconds(2)
        request.timeout = .seconds(5)
        request.maximumResponseByteCount = 1 << 16
        request.usesProxy = false
        request.setHeader("Authorization", try authorization())
        let response = try transport.send(request)
        guard response.status == 200 else {
            throw AWSError(.noCredentials, "the container's credential service answers \(response.status)")
        }
        return try TemporaryCredentials.parse(response.body, source: "the container's credential service")
    }

    private func address() throws(AWSError) -> HTTPURL? {
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else {
                throw AWSError(.configuration, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path")
            }
            return try Self.url("http://169.254.170.2\(path)", from: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        }
        guard let text = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else { return nil }
        let url = try Self.url(text, from: "AWS_CONTAINER_CREDENTIALS_FULL_URI")
        // The token must not go over a network in the clear.
        guard url.scheme == "https" || url.isLoopback || Self.trustedHosts.contains(url.host) else {
            throw AWSError(
                .configuration,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine")
        }
        return url
    }

    /// Paths of these services may have a query, such as `/v2/credentials?id=1`.
    private static func url(_ text: String, from name: String) throws(AWSError) -> HTTPURL {
        guard let mark = text.firstIndex(of: "?") else { return try HTTPURL(text, from: name) }
        var url = try HTTPURL(String(text[..<mark]), from: name)
        url.query = text[mark...].dropFirst().split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { String(decoding: PercentEncoding.decode(String($0)), as: UTF8.self) }
            return QueryItem(parts[0], parts.count > 1 ? parts[1] : "")
        }
        return url
    }

    /// The file is read each time: EKS writes it anew.
    private func authorization() throws(AWSError) -> String? {
        let token: String
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            do {
                let contents = try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 16)
                token = String(decoding: contents, as: UTF8.self)
            } catch {
                throw AWSError(.configuration, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: \(error)")
            }
        } else if let value = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
            token = value
        } else {
            return nil
        }
        guard !token.utf8.isEmpty, token.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw AWSError(
                .configuration, "the container's authorization token is empty or has more than one line")
        }
        return token
    }
}
