import Authentication
import Authorization
import Monitor
import SSHKeys
import Support
import Testing

@Suite("Grants and certificates")
struct CertificatePermissionsTests {
    private typealias Permission = UserCertificate.Permission

    private static let everything = Permissions(
        programs: .all, terminal: true, forwarding: .all, remoteForwarding: true, agent: true)

    /// A user's certificate with all permissions but these.
    private func certificate(
        without missing: Set<UserCertificate.Permission> = [], command: String? = nil
    ) -> AcceptedCertificate {
        AcceptedCertificate(
            authority: "ca", authorityFingerprint: "SHA256:x", keyID: "id", serial: 1,
            permissions: Set(Permission.allCases).subtracting(missing), forcedCommand: command)
    }

    /// The certificate for the host that comes of a grant and of that with which somebody logged in.
    private func issued(_ permissions: Permissions, to certificate: AcceptedCertificate? = nil) throws
        -> UserCertificate
    {
        let key = try PrivateKey.generate().publicKey
        var issued = UserCertificate(
            for: key, serial: 1, keyID: "k", principals: ["alice"], validity: .seconds(60))
        issued.permit(permissions, to: certificate)
        return issued
    }

    @Test("a login without a certificate is narrowed by nothing")
    func plain() throws {
        #expect(Self.everything.narrowed(by: nil) == Self.everything)
        #expect(Self.everything.narrowed(by: certificate()) == Self.everything)
        let issued = try issued(Self.everything)
        #expect(
            issued.permissions == [.terminal, .portForwarding, .agentForwarding, .startupFile]
                && issued.forcedCommand == nil)
    }

    @Test(
        "what a certificate does not permit, no grant gives, and the other way round",
        arguments: [
            Permission.terminal, .portForwarding, .agentForwarding, .startupFile,
        ], [true, false])
    func either(_ permission: UserCertificate.Permission, _ isGranted: Bool) throws {
        var granted = Self.everything
        if !isGranted {
            switch permission {
            case .terminal: granted.terminal = false
            case .portForwarding: (granted.forwarding, granted.remoteForwarding) = (.none, false)
            case .agentForwarding: granted.agent = false
            case .startupFile, .x11Forwarding: return
            }
        }
        let narrowed = granted.narrowed(by: isGranted ? certificate(without: [permission]) : certificate())
        let rule = SessionRule(.host, narrowed)
        switch permission {
        case .terminal: #expect(rule.decide(.terminal).refusal != nil)
        case .portForwarding:
            #expect(rule.decide(.connect(host: "localhost", port: 80)).refusal != nil)
            #expect(rule.decide(.listen).refusal != nil)
            #expect(rule.decide(.forwarded(isListening: true)).refusal != nil)
        case .agentForwarding:
            #expect(rule.decide(.agentRequest).refusal != nil)
            #expect(rule.decide(.agent(isOffered: true)).refusal != nil)
        case .startupFile, .x11Forwarding: break
        }
        #expect(rule.decide(.command) == .permitted)
        let issued = try issued(granted, to: isGranted ? certificate(without: [permission]) : certificate())
        #expect(!issued.permissions.contains(permission))
        #expect(!issued.permissions.contains(.x11Forwarding))
    }

    @Test("a forced command is the host's to run, as it is")
    func forcedCommand() throws {
        #expect(try issued(Self.everything, to: certificate(command: "backup")).forcedCommand == "backup")
        #expect(certificate(command: "backup").obstacleToJumps != nil)
        #expect(certificate(without: [.portForwarding]).obstacleToJumps != nil)
        #expect(certificate().obstacleToJumps == nil)
    }

    @Test(
        "a grant for files has the host's sshd serve files and nothing else, without a shell that reads files"
    )
    func files() throws {
        let files = Permissions(programs: .files)
        let issued = try issued(files, to: certificate())
        #expect(issued.forcedCommand == "internal-sftp" && issued.permissions.isEmpty)
    }

    @Test(
        "a grant for files and a certificate for another command permit nothing together",
        arguments: [("backup", false), ("internal-sftp -R", false), ("internal-sftp", true)])
    func filesAndCommand(_ command: String, _ isPermitted: Bool) throws {
        let files = Permissions(programs: .files)
        let rule = SessionRule(.host, files.narrowed(by: certificate(command: command)))
        #expect((rule.decide(.subsystem(name: "sftp")) == .permitted) == isPermitted)
        let forced = try issued(files, to: certificate(command: command)).forcedCommand
        #expect(forced == (isPermitted ? "internal-sftp" : "/bin/false"))
    }

    @Test("a grant without a login has the host run nothing, whatever the certificate says")
    func noLogin() throws {
        let ports = Permissions(forwarding: PortSet([80...80]))
        for command in [nil, "backup", "internal-sftp"] {
            let issued = try issued(ports, to: certificate(command: command))
            #expect(issued.forcedCommand == "/bin/false" && issued.permissions == [.portForwarding])
            #expect(
                SessionRule(.host, ports.narrowed(by: certificate(command: command))).decide(.session).refusal
                    != nil)
        }
    }
}
