/// A header field of a request or a response.
package struct HTTPHeader: Equatable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A parameter of a query, not encoded.
package struct QueryItem: Equatable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A request, not yet sent.
package struct HTTPRequest: Sendable {
    /// In upper case.
    package var method: String
    package var url: HTTPURL
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    /// How long to wait for a connection, and for everything.
    package var connectTimeout: Duration = .seconds(5)
    package var timeout: Duration = .seconds(60)

    /// More than this is not read.
    package var maximumResponseByteCount = 16 << 20

    /// Whether the proxy of the environment is asked; never for addresses that mean this machine.
    package var usesProxy = true

    package init(
        _ method: String, _ url: HTTPURL, headers: [HTTPHeader] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }

    /// Takes away all headers of this name, and adds one if there is a value.
    package mutating func setHeader(_ name: String, _ value: String?) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        if let value { headers.append(HTTPHeader(name, value)) }
    }
}

/// What came back.
package struct HTTPResponse: Sendable {
    package let status: Int
    package let headers: [HTTPHeader]
    package let body: [UInt8]

    package init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of a header, whatever the case of its name.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Sends requests.
package protocol HTTPTransport: Sendable {
    /// Sends one request on the calling thread and waits for the whole answer; follows no redirect.
    ///
    /// - Throws: `AWSError` with code `unreachable`, `interrupted`, `responseTooLarge` or `invalidRequest`.
    func send(_ request: HTTPRequest) throws(AWSError) -> HTTPResponse
}
