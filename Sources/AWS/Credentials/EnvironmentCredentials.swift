/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
package struct EnvironmentCredentials: CredentialProvider {
    package let name = "environment"
    private let environment: Environment

    package init(_ environment: Environment) {
        self.environment = environment
    }

    package func load() throws(AWSError) -> Credentials? {
        let key = environment["AWS_ACCESS_KEY_ID"]
        let secret = environment["AWS_SECRET_ACCESS_KEY"]
        if key == nil, secret == nil { return nil }
        guard let key, let secret else {
            throw AWSError(
                .configuration, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together, and only one is set"
            )
        }
        return try Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"],
            source: name)
    }
}
