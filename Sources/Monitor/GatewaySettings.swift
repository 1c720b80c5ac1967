import Configuration
import Control
import Glibc
import SSHKeys
import Support

/// What the configuration says, with the files it names; read at the start and at each SIGHUP.
struct GatewaySettings: Sendable {
    private static let bannerLimit = 16 * 1_024

    let configuration: Configuration

    /// The private host keys, in OpenSSH's text.
    ///
    /// libssh signs with them in the session's process, so each session is given them.
    let hostKeys: [String]
    let publicHostKeys: [PublicKey]
    let authority: CertificateAuthority

    /// Shown before authentication; may be empty.
    let banner: String

    /// Reads the secrets, after a check that nobody else can.
    ///
    /// - Throws: `StartupError` for a file that is missing, open to others or not what it should be.
    init(_ configuration: Configuration) throws(StartupError) {
        self.configuration = configuration
        try StartupChecks.requirePrivate(configuration.stateDirectory, what: "StateDirectory")
        var texts: [String] = []
        var publicKeys: [PublicKey] = []
        for path in configuration.hostKeys {
            let contents = try Self.secret(path, what: "HostKey")
            do {
                publicKeys.append(try PrivateKey(fileContents: contents).publicKey)
            } catch {
                throw StartupError("HostKey \(path): \(error)")
            }
            texts.append(String(decoding: contents, as: UTF8.self))
        }
        hostKeys = texts
        publicHostKeys = publicKeys

        let contents = try Self.secret(configuration.userCAPath, what: "the user CA's key")
        do {
            authority = CertificateAuthority(key: try PrivateKey(fileContents: contents))
        } catch {
            throw StartupError("the user CA's key \(configuration.userCAPath): \(error)")
        }
        banner = try Self.banner(configuration.banner)
        try StartupChecks.requirePrivate(configuration.databasePath, what: "the database")
    }

    private static func secret(_ path: String, what: String) throws(StartupError) -> [UInt8] {
        try StartupChecks.requirePrivate(path, what: what)
        do {
            return try Descriptor.open(path, O_RDONLY | O_NOFOLLOW).readAll(limit: PrivateKey.fileLimit)
        } catch {
            throw StartupError("\(what) \(path): \(error.reason)")
        }
    }

    private static func banner(_ path: String?) throws(StartupError) -> String {
        guard let path else { return "" }
        do {
            let contents = try Descriptor.open(path, O_RDONLY).readAll(limit: bannerLimit)
            return String(decoding: contents, as: UTF8.self)
        } catch {
            throw StartupError("Banner \(path): \(error.reason)")
        }
    }

    /// What a session is told before anybody has logged in.
    func connection(for session: SessionID) -> ConnectionSettings {
        ConnectionSettings(
            session: session.description, hostKeys: hostKeys,
            loginGraceSeconds: Self.seconds(configuration.loginGraceTime),
            maximumAttempts: UInt32(clamping: configuration.maximumAttempts),
            maximumChannels: UInt32(clamping: configuration.maximumChannels),
            rekeyBytes: configuration.rekeyLimit,
            connectTimeoutSeconds: Self.seconds(configuration.connectTimeout),
            banner: banner, logLevel: UInt8(configuration.logLevel.rawValue),
            // Watchers of hosts have keys, whatever is asked of people.
            methods: Factor.methods(of: [.publicKey] + configuration.authenticationMethods.next(after: [])))
    }

    private static func seconds(_ duration: Duration) -> UInt32 {
        UInt32(clamping: duration.components.seconds)
    }
}
