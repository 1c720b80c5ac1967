internal import FoundationEssentials
internal import Support

/// The answer of a container's or an instance's credential service.
struct TemporaryCredentials: Decodable {
    var code: String?
    var accessKeyID: String?
    var secretAccessKey: String?
    var token: String?
    var expiration: String?

    private enum CodingKeys: String, CodingKey {
        case code = "Code"
        case accessKeyID = "AccessKeyId"
        case secretAccessKey = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
    }

    /// Reads the credentials of an answer.
    ///
    /// - Throws: `AWSError` with code `malformedResponse`, or `noCredentials` when the service says it has none.
    static func parse(_ body: [UInt8], source: String) throws(AWSError) -> Credentials {
        guard let answer = try? JSONDecoder().decode(Self.self, from: Data(body)) else {
            throw AWSError(.malformedResponse, "the answer of \(source) is not what it should be")
        }
        if let code = answer.code, code != "Success" {
            throw AWSError(
                .noCredentials, "\(source) has no credentials: \(String(code.prefix(100)).printable)")
        }
        guard let key = answer.accessKeyID, let secret = answer.secretAccessKey else {
            throw AWSError(.malformedResponse, "the answer of \(source) has no key in it")
        }
        var expiration: Timestamp?
        if let text = answer.expiration {
            guard let time = time(text) else {
                throw AWSError(
                    .malformedResponse, "the answer of \(source) does not say until when it is good")
            }
            expiration = time
        }
        return try Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: answer.token, expiration: expiration,
            source: source)
    }

    /// RFC 3339 in UTC; fractions of a second are dropped.
    private static func time(_ text: String) -> Timestamp? {
        guard let dot = text.firstIndex(of: ".") else { return Timestamp(text) }
        guard text.hasSuffix("Z"), text[dot...].dropFirst().dropLast().allSatisfy(\.isNumber) else {
            return nil
        }
        return Timestamp(text[..<dot] + "Z")
    }
}
