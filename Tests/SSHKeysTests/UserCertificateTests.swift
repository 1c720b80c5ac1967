import SSHKeys
import Support
import TestSupport
import Testing

@Suite("User certificates")
struct UserCertificateTests {
    private let authority: CertificateAuthority
    private let subject: PublicKey
    private let now = Timestamp(milliseconds: 1_790_000_000_500)

    init() throws {
        authority = CertificateAuthority(key: try PrivateKey.generate(comment: "gatehouse-user-ca"))
        subject = try PrivateKey.generate().publicKey
    }

    private func certificate(for key: PublicKey? = nil) -> UserCertificate {
        UserCertificate(
            for: key ?? subject, serial: 18_446_744_073_709_551_615, keyID: "gatehouse:01ABC:alice",
            principals: ["alice", "bob"], now: now, validity: .seconds(300),
            permissions: [.terminal, .portForwarding, .agentForwarding, .startupFile])
    }

    /// The lines of `ssh-keygen -L`, without their indentation.
    private func listed(_ certificate: SignedCertificate) throws -> [String] {
        let folder = try ScratchFolder()
        let file = try folder.write(certificate.line + "\n", to: "key-cert.pub")
        let run = try Tool("/usr/bin/ssh-keygen", ["-L", "-f", file], environment: ["TZ=UTC"])
        #expect(run.status == 0)
        return run.output.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
    }

    @Test("ssh-keygen -L shows every field")
    func listsFields() throws {
        var wanted = certificate()
        wanted.sourceAddresses = ["10.77.0.1/32", "fd00::1/128"]
        wanted.forcedCommand = "internal-sftp"
        let signed = try authority.sign(wanted)
        let lines = try listed(signed).dropFirst()
        #expect(signed.name == "ssh-ed25519-cert-v01@openssh.com")
        #expect(signed.line.hasPrefix("ssh-ed25519-cert-v01@openssh.com AAAA"))
        #expect(
            Array(lines) == [
                "Type: ssh-ed25519-cert-v01@openssh.com user certificate",
                "Public key: ED25519-CERT \(subject.fingerprint)",
                "Signing CA: ED25519 \(authority.publicKey.fingerprint) (using ssh-ed25519)",
                "Key ID: \"gatehouse:01ABC:alice\"",
                "Serial: 18446744073709551615",
                "Valid: from 2026-09-21T14:12:20 to 2026-09-21T14:18:20",
                "Principals:",
                "alice",
                "bob",
                "Critical Options:",
                "force-command internal-sftp",
                "source-address 10.77.0.1/32,fd00::1/128",
                "Extensions:",
                "permit-agent-forwarding",
                "permit-port-forwarding",
                "permit-pty",
                "permit-user-rc",
            ])
    }

    @Test("without options and permissions both lists are empty")
    func listsNothing() throws {
        var wanted = certificate()
        wanted.permissions = []
        let lines = try listed(try authority.sign(wanted))
        #expect(lines.contains("Critical Options: (none)"))
        #expect(lines.contains("Extensions: (none)"))
    }

    @Test("all permissions are in the order of their bytes")
    func sorts() throws {
        var wanted = certificate()
        wanted.permissions = Set(UserCertificate.Permission.allCases)
        let lines = try listed(try authority.sign(wanted))
        #expect(
            lines.suffix(5) == [
                "permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty",
                "permit-user-rc",
            ])
    }

    @Test(
        "every kind of key can be certified",
        arguments: [("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 3_072)])
    func certifiesOthers(_ type: String, _ bits: Int) throws {
        let key = try PublicKey.parse(try KeygenFixture(type, bits: bits).publicLine)
        let signed = try authority.sign(certificate(for: key))
        let lines = try listed(signed)
        #expect(lines.contains("Type: \(key.type.certificateName) user certificate"))
        #expect(lines.contains { $0.hasPrefix("Public key: ") && $0.hasSuffix(key.fingerprint) })
    }

    @Test("a certificate for a security key keeps its application")
    func certifiesSecurityKeys() throws {
        var blob = WireWriter()
        blob.string("sk-ssh-ed25519@openssh.com")
        blob.data(subject.blob.suffix(32))
        blob.string("ssh:")
        let key = try PublicKey(blob: blob.bytes)
        let lines = try listed(try authority.sign(certificate(for: key)))
        #expect(lines.contains("Type: sk-ssh-ed25519-cert-v01@openssh.com user certificate"))
    }

    @Test("two certificates for the same never are the same")
    func hasNonce() throws {
        #expect(try authority.sign(certificate()).blob != authority.sign(certificate()).blob)
    }

    @Test("ssh-keygen notices a changed byte anywhere before the signature")
    func isSigned() throws {
        let folder = try ScratchFolder()
        let signed = try authority.sign(certificate())
        for index in stride(from: 40, to: signed.blob.count - 60, by: 29) {
            var changed = signed.blob
            changed[index] ^= 1
            let file = try folder.write("\(signed.name) \(Base64.encode(changed))\n", to: "key-cert.pub")
            #expect(try Tool("/usr/bin/ssh-keygen", ["-L", "-f", file]).status != 0, "byte \(index)")
        }
    }

    @Test("a certificate that would be good for anybody, for no time, or that reads otherwise is not signed")
    func refusesNonsense() {
        let changes: [(inout UserCertificate) -> Void] = [
            { $0.principals = [] },
            { $0.principals = [""] },
            { $0.principals = ["alice", "bob,root"] },
            { $0.principals = ["alice\n"] },
            { $0.principals = [String](repeating: "a", count: 257) },
            { $0.keyID = "" },
            { $0.keyID = "a\u{1B}[2J" },
            { $0.validBefore = $0.validAfter },
            { $0.validAfter = Timestamp(milliseconds: -5_000) },
            { $0.sourceAddresses = ["10.0.0.0/8,0.0.0.0/0"] },
            { $0.sourceAddresses = [""] },
            { $0.forcedCommand = "" },
        ]
        for change in changes {
            var wrong = certificate()
            change(&wrong)
            #expect(keyErrorCode { _ = try authority.sign(wrong) } == .invalidCertificate)
        }
    }

    @Test("the line for authorized_keys names the principal and the key")
    func authorizedKeysLine() {
        #expect(
            authority.authorizedKeysLine(principal: "gatehouse-root")
                == "cert-authority,principals=\"gatehouse-root\" \(authority.publicKey.line)")
        #expect(authority.publicKey.line.hasSuffix(" gatehouse-user-ca"))
    }
}
