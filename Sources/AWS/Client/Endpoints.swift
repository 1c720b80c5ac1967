/// Where each service is.
package struct Endpoints: Sendable {
    private let region: String
    private let environment: Environment
    private let profile: SharedFiles.Profile?

    package init(region: String, environment: Environment, profile: SharedFiles.Profile?) {
        self.region = region
        self.environment = environment
        self.profile = profile
    }

    /// Domains of the partitions that have one of their own, by how their regions begin.
    private static let domains = [
        ("cn-", "amazonaws.com.cn"), ("us-isob-", "sc2s.sgov.gov"), ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"), ("eu-isoe-", "cloud.adc-e.uk"), ("eusc-", "amazonaws.eu"),
    ]

    /// The service's address: `AWS_ENDPOINT_URL_SSM`, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`, or AWS's own.
    ///
    /// - Throws: `AWSError` with code `configuration`.
    package func url(of service: String) throws(AWSError) -> HTTPURL {
        if !environment.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            for name in ["AWS_ENDPOINT_URL_\(service.uppercased())", "AWS_ENDPOINT_URL"] {
                if let text = environment[name] { return try HTTPURL(text, from: name) }
            }
            if let profile, let text = profile["endpoint_url"] {
                return try HTTPURL(text, from: "endpoint_url of profile \(profile.name)")
            }
        }
        let domain = Self.domains.first { region.hasPrefix($0.0) }?.1 ?? "amazonaws.com"
        return try HTTPURL("https://\(service).\(region).\(domain)", from: "the region")
    }
}
