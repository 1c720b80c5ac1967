/// The keys of a profile in AWS's shared files.
package struct ProfileCredentials: CredentialProvider {
    package let name = "shared files"
    private let environment: Environment

    package init(_ environment: Environment) {
        self.environment = environment
    }

    /// Profiles that lead elsewhere, which Gatehouse does not follow.
    private static let unsupported = [
        "role_arn", "credential_process", "sso_session", "sso_start_url", "web_identity_token_file",
    ]

    package func load() throws(AWSError) -> Credentials? {
        // Read each time, so that changed keys are taken up without a restart.
        guard let profile = try SharedFiles(environment).profile else { return nil }
        let key = profile["aws_access_key_id"]
        let secret = profile["aws_secret_access_key"]
        if let key, let secret {
            return try Credentials(
                accessKeyID: key, secretAccessKey: secret, sessionToken: profile["aws_session_token"],
                source: "profile \(profile.name)")
        }
        guard key == nil, secret == nil else {
            throw AWSError(
                .configuration,
                "profile \(profile.name): aws_access_key_id and aws_secret_access_key go together")
        }
        if let setting = Self.unsupported.first(where: { profile[$0] != nil }) {
            throw AWSError(
                .configuration,
                "profile \(profile.name) has its credentials from \(setting), which Gatehouse does not follow"
            )
        }
        return nil
    }
}
