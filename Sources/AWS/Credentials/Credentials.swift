package import Support

/// A key to AWS.
///
/// Whatever prints it shows the identifier of the key and nothing else.
package struct Credentials: Equatable, Sendable {
    /// Not a secret: it names the key.
    package let accessKeyID: String
    package let secretAccessKey: String
    package let sessionToken: String?

    /// When AWS stops to take them; nil for never.
    package let expiration: Timestamp?

    /// - Throws: `AWSError` with code `configuration` for what cannot be a key; `source` says where it is from.
    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil,
        expiration: Timestamp? = nil,
        source: String
    ) throws(AWSError) {
        // They go into header fields, so what could end one must not be in them.
        for (name, text) in [
            ("access key id", accessKeyID), ("secret access key", secretAccessKey),
            ("session token", sessionToken ?? "-"),
        ] {
            guard !text.isEmpty, text.utf8.count <= 16_384,
                text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                throw AWSError(
                    .configuration, "the \(name) of \(source) is empty, too long or not plain text")
            }
        }
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }

    /// `text` without the secrets, should a service have put them into its answer.
    func redacted(_ text: String) -> String {
        [secretAccessKey, sessionToken ?? ""].filter { $0.utf8.count >= 8 }
            .reduce(text) { Self.replacing($1, in: $0) }
    }

    private static func replacing(_ secret: String, in text: String) -> String {
        let (input, pattern) = (Array(text.utf8), Array(secret.utf8))
        var output: [UInt8] = []
        var index = 0
        while index < input.count {
            if input[index...].starts(with: pattern) {
                output += Array("[redacted]".utf8)
                index += pattern.count
            } else {
                output.append(input[index])
                index += 1
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "Credentials(\(accessKeyID), [redacted])" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
