package import Support

/// Signature Version 4: proves that a request comes from the owner of a secret, and when it was made.
///
/// A pure function of its arguments: no clock, no files, no network.
package struct Signer: Sendable {
    /// What the signature says of the body.
    package enum Payload: Sendable {
        /// It is what the request holds.
        case body
        /// It is sent by other means and has this SHA-256, in lower-case hexadecimal.
        case digest(String)
        /// Nothing; only S3 takes this, and only TLS makes up for it.
        case unsigned
    }

    /// The service as signatures name it, such as `ssm`.
    package let service: String

    /// The region as signatures name it, such as `eu-central-1`.
    package let region: String

    package init(service: String, region: String) {
        self.service = service
        self.region = region
    }

    /// The request with the headers that sign it in place of any that were there.
    ///
    /// - Throws: `AWSError` with code `cryptography` when libcrypto fails.
    package func sign(
        _ request: HTTPRequest, payload: Payload = .body, with credentials: Credentials, at time: Timestamp
    ) throws(AWSError) -> HTTPRequest {
        let date = Self.basicFormat(time)
        let digest = try Self.digest(of: payload, in: request)
        var signed = request
        signed.setHeader("X-Amz-Date", date)
        signed.setHeader("X-Amz-Security-Token", credentials.sessionToken)
        if service == "s3" || !payload.isBody { signed.setHeader("X-Amz-Content-Sha256", digest) }

        let canonical = CanonicalRequest(
            signed, headers: signed.headers, payload: digest, pathsAsGiven: service == "s3")
        let scope = "\(date.prefix(8))/\(region)/\(service)/aws4_request"
        let summary = Hexadecimal.encode(try Digest.sha256(Array(canonical.text.utf8)))
        let text = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n\(summary)"
        var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
        for part in scope.split(separator: "/") { key = try Digest.hmacSHA256(String(part), key: key) }
        let signature = Hexadecimal.encode(try Digest.hmacSHA256(text, key: key))
        signed.setHeader(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
                + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature)")
        return signed
    }

    private static func digest(of payload: Payload, in request: HTTPRequest) throws(AWSError) -> String {
        switch payload {
        case .body: Hexadecimal.encode(try Digest.sha256(request.body))
        case .digest(let digest): digest
        case .unsigned: "UNSIGNED-PAYLOAD"
        }
    }

    /// ISO 8601 without separators: `20150830T123600Z`.
    static func basicFormat(_ time: Timestamp) -> String {
        time.description.filter { $0 != "-" && $0 != ":" }
    }
}

extension Signer.Payload {
    fileprivate var isBody: Bool {
        if case .body = self { true } else { false }
    }
}
