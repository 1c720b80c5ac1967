package import Support

/// Credentials that another process handed over; once they have expired, the next source is asked.
package struct HandedCredentials: CredentialProvider {
    package let name = "handed over"
    private let credentials: Credentials
    private let now: @Sendable () -> Timestamp

    package init(_ credentials: Credentials, now: @escaping @Sendable () -> Timestamp = { .now }) {
        self.credentials = credentials
        self.now = now
    }

    /// Reads what `encode` wrote.
    ///
    /// - Throws: `AWSError` with code `malformedResponse`.
    package init(
        decoding bytes: [UInt8], now: @escaping @Sendable () -> Timestamp = { .now }
    ) throws(AWSError) {
        let credentials = try TemporaryCredentials.parse(bytes, source: "the credentials handed over")
        self.init(credentials, now: now)
    }

    package func load() throws(AWSError) -> Credentials? {
        if let expiration = credentials.expiration, expiration <= now() { return nil }
        return credentials
    }

    /// The form in which they are handed over: a secret, for a pipe and nothing else.
    ///
    /// - Throws: `AWSError` with code `invalidRequest`.
    package static func encode(_ credentials: Credentials) throws(AWSError) -> [UInt8] {
        try AWSJSON.encode(
            Form(
                accessKeyId: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey,
                token: credentials.sessionToken, expiration: credentials.expiration?.description))
    }

    private struct Form: Encodable {
        let accessKeyId: String
        let secretAccessKey: String
        let token: String?
        let expiration: String?
    }
}
