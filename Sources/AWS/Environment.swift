import Glibc

/// The variables that AWS's tools go by.
package struct Environment: Sendable {
    private let variables: [String: String]

    package init(_ variables: [String: String]) {
        self.variables = variables
    }

    /// The variable's value; nil also for an empty one, as AWS's tools have it.
    package subscript(name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// The same without one variable, or with another value of it.
    package func with(_ name: String, _ value: String?) -> Environment {
        var variables = variables
        variables[name] = value
        return Environment(variables)
    }

    /// Whether the variable says `true`.
    func isTrue(_ name: String) -> Bool { self[name]?.lowercased() == "true" }

    /// All that this module reads.
    private static let names = [
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_REGION",
        "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_EC2",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_CA_BUNDLE", "HOME",
    ]

    /// This process's own variables, with the account's home for HOME when that is not set.
    package static func ofProcess() -> Environment {
        var variables: [String: String] = [:]
        for name in names {
            if let value = unsafe getenv(name) { variables[name] = unsafe String(cString: value) }
        }
        if variables["HOME"] == nil { variables["HOME"] = homeOfAccount() }
        return Environment(variables)
    }

    private static func homeOfAccount() -> String? {
        var entry = unsafe passwd()
        var buffer = [CChar](repeating: 0, count: 16_384)
        return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return nil }
            var result: UnsafeMutablePointer<passwd>?
            let status = unsafe getpwuid_r(getuid(), &entry, start, buffer.count, &result)
            guard status == 0, unsafe result != nil else { return nil }
            return unsafe String(cString: entry.pw_dir)
        }
    }
}
