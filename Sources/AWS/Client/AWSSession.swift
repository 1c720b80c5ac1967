internal import Support

/// What all calls to AWS have in common: who asks, where, and how patiently.
///
/// Any thread may use it; one for the whole process is enough.
package final class AWSSession: Sendable {
    package let region: String
    package let endpoints: Endpoints
    let credentials: CredentialCache
    let transport: any HTTPTransport
    let policy: RetryPolicy
    let effects: Effects
    let clock: ServerClock
    let pacing: Pacing?
    /// Trusted in place of the system's certificates.
    package let certificateFile: String?

    /// Puts a session together from given parts.
    ///
    /// - Parameter pacing: holds calls back so that the service has room for them; nil: they are made at once.
    /// - Throws: `AWSError` with code `configuration` for what cannot be a region.
    package init(
        region: String, providers: [any CredentialProvider], endpoints: Endpoints,
        transport: any HTTPTransport, policy: RetryPolicy = RetryPolicy(), effects: Effects = .system,
        pacing: Pacing? = nil, certificateFile: String? = nil
    ) throws(AWSError) {
        try Self.check(region)
        let clock = ServerClock(local: effects.now)
        self.region = region
        self.endpoints = endpoints
        self.transport = transport
        self.policy = policy
        self.effects = effects
        self.clock = clock
        self.pacing = pacing
        self.certificateFile = certificateFile
        credentials = CredentialCache(providers, now: { clock.now })
    }

    /// The standard chain of AWS's tools for region and credentials.
    ///
    /// Asks for the region only, so it may block for a few seconds where nothing names it; credentials are looked for at
    /// the first call.
    ///
    /// - Parameters:
    ///   - region: goes before what the environment says.
    ///   - handed: asked before all other sources of credentials.
    /// - Throws: `AWSError` with code `noRegion`, or `configuration` for unusable settings.
    package static func standard(
        _ environment: Environment = .ofProcess(), region: String? = nil,
        handed: HandedCredentials? = nil, transport given: (any HTTPTransport)? = nil,
        policy: RetryPolicy = RetryPolicy(),
        effects: Effects = .system
    ) throws(AWSError) -> AWSSession {
        let profile = try SharedFiles(environment).profile
        let certificateFile = environment["AWS_CA_BUNDLE"] ?? profile?["ca_bundle"]
        let transport = given ?? CurlTransport(certificateFile: certificateFile)
        let metadata = InstanceMetadata(environment, transport: transport, now: effects.now)
        var chosen = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
        chosen = chosen ?? profile?["region"]
        if chosen == nil { chosen = try metadata.region() }
        guard let chosen else {
            throw AWSError(.noRegion, "no AWS region in AWS_REGION, the profile or the instance metadata")
        }
        return try AWSSession(
            region: chosen,
            providers: (handed.map { [$0] } ?? []) + [
                EnvironmentCredentials(environment), ProfileCredentials(environment),
                ContainerCredentials(environment, transport: transport), metadata,
            ], endpoints: Endpoints(region: chosen, environment: environment, profile: profile),
            transport: transport, policy: policy, effects: effects, pacing: Pacing(),
            certificateFile: certificateFile)
    }

    /// The credentials in use, for a process that calls AWS on its own. May block while they are looked for.
    ///
    /// - Throws: `AWSError`.
    package func currentCredentials() throws(AWSError) -> Credentials { try credentials.current() }

    /// A region becomes part of a host's name.
    private static func check(_ region: String) throws(AWSError) {
        let isName = region.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isName, (1...63).contains(region.utf8.count), !region.hasPrefix("-"), !region.hasSuffix("-")
        else { throw AWSError(.configuration, "'\(String(region.prefix(64)).printable)' is no AWS region") }
    }
}
