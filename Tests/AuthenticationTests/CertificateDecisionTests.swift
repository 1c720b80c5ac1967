import Authentication
import Directory
import SSHKeys
import Support
import TestSupport
import Testing

@Suite("A user certificate")
struct CertificateDecisionTests {
    private let folder: TemporaryFolder
    private let directory: DirectoryStore
    private let authority: PrivateKey
    private let subject: PrivateKey
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    init() throws {
        folder = try TemporaryFolder()
        directory = try DirectoryStore(path: folder.file)
        authority = try PrivateKey.generate()
        subject = try PrivateKey.generate()
        for name in ["alice", "bob"] { _ = try directory.addUser(NewUser(name)) }
        _ = try directory.addGroup("lab")
        try directory.addAuthority("corporate", Self.material(authority.publicKey))
    }

    private static func material(_ key: PublicKey) -> KeyMaterial {
        KeyMaterial(type: key.type.rawValue, blob: key.blob, fingerprint: key.fingerprint)
    }

    private func decide(
        _ forge: CertificateForge, login: String = "alice", from address: String = "192.0.2.7",
        signedBy key: PrivateKey? = nil
    ) throws -> KeyDecision {
        try KeyDecision(
            login: LoginName(login), key: forge.blob(for: subject.publicKey, signedBy: key ?? authority),
            from: address, at: now, in: directory)
    }

    private func reason(_ decision: KeyDecision) -> KeyDecision.Reason? {
        if case .rejected(let reason) = decision { reason } else { nil }
    }

    private func accepted(_ decision: KeyDecision) throws -> AcceptedCertificate {
        guard case .accepted(_, _, let certificate?) = decision else {
            throw KeyDecision.Reason.malformedCertificate
        }
        return certificate
    }

    @Test("of a trusted CA opens the login of who is named, and permits what it says")
    func opens() throws {
        var forge = CertificateForge()
        forge.extensions = [("permit-pty", []), ("no-touch-required", []), ("x@example.com", [1])]
        let certificate = try accepted(decide(forge, login: "alice+gpu1"))
        #expect(certificate.permissions == [.terminal])
        #expect(certificate.authority == "corporate")
        #expect(certificate.record["serial"] == "7")
        #expect(certificate.record["key.id"] == "alice at work")
        #expect(certificate.record["ca"] == authority.publicKey.fingerprint)
        #expect(certificate.obstacleToJumps != nil)
        forge.extensions = [("permit-port-forwarding", [])]
        #expect(try accepted(decide(forge)).obstacleToJumps == nil)
    }

    @Test("names its user exactly: nobody by an empty list, a part, a capital or odd bytes")
    func principals() throws {
        let lists: [[[UInt8]]] = [
            [], [[]], [Array("bob".utf8)], [Array("Alice".utf8)], [Array("alice\0".utf8)],
            [Array("alice,bob".utf8)], [Array("*".utf8)], [Array("alice ".utf8)], [[0xFF, 0xFE]],
            [Array("alic".utf8), Array("e".utf8)], [Array("аlice".utf8)],
        ]
        for list in lists {
            var forge = CertificateForge()
            forge.principals = list
            #expect(reason(try decide(forge)) == .otherPrincipals)
        }
        #expect(reason(try decide(CertificateForge(), login: "bob")) == .otherPrincipals)
        #expect(reason(try decide(CertificateForge(), login: "alice\0")) == .malformedName)
    }

    @Test("of a user who does not exist says so in the log alone")
    func nobody() throws {
        var forge = CertificateForge()
        forge.principals = [Array("mallory".utf8)]
        #expect(reason(try decide(forge, login: "mallory")) == .unknownUser)
    }

    @Test(
        "is good from its first second to the one before its last",
        arguments: [
            (1_790_000_000, 1_790_000_001, nil), (1_790_000_001, .max, .notYetValid),
            (0, 1_790_000_000, .expired), (0, 0, .expired), (.max, .max, .notYetValid),
        ] as [(UInt64, UInt64, KeyDecision.Reason?)])
    func validity(_ after: UInt64, _ before: UInt64, _ wanted: KeyDecision.Reason?) throws {
        var forge = CertificateForge()
        (forge.validAfter, forge.validBefore) = (after, before)
        #expect(reason(try decide(forge)) == wanted)
    }

    @Test("of a host, or of neither, is none")
    func kinds() throws {
        var forge = CertificateForge()
        forge.kind = 2
        #expect(reason(try decide(forge)) == .hostCertificate)
        forge.kind = 0
        #expect(reason(try decide(forge)) == .malformedCertificate)
    }

    @Test("of a CA that nobody trusts is refused, whoever it says has signed it")
    func authorities() throws {
        let other = try PrivateKey.generate()
        #expect(reason(try decide(CertificateForge(), signedBy: other)) == .unknownAuthority)
        var forge = CertificateForge()
        forge.authority = authority.publicKey.blob
        #expect(reason(try decide(forge, signedBy: other)) == .wrongCertificateSignature)
    }

    @Test("that a certificate has signed is refused (Teleport CVE-2025-49825)")
    func nested() throws {
        let middle = try CertificateForge().blob(for: subject.publicKey, signedBy: authority)
        var forge = CertificateForge()
        forge.authority = middle
        #expect(reason(try decide(forge, signedBy: subject)) == .malformedCertificate)
    }

    @Test("cannot be a CA's own key, nor can a user's key be a CA")
    func authorityIsNobody() throws {
        let blob = authority.publicKey.blob
        let decision = try KeyDecision(
            login: LoginName("alice"), key: blob, from: "192.0.2.7", at: now, in: directory)
        #expect(reason(decision) == .unknownKey)
        #expect(throws: DirectoryError.self) {
            try directory.addKey(Self.material(authority.publicKey), to: "alice")
        }
        try directory.addKey(Self.material(subject.publicKey), to: "alice")
        #expect(throws: DirectoryError.self) {
            try directory.addAuthority("self", Self.material(subject.publicKey))
        }
    }

    @Test("with a forced command is for that command alone")
    func forcedCommand() throws {
        var forge = CertificateForge()
        forge.criticalOptions = [("force-command", CertificateForge.text("uptime -p"))]
        let certificate = try accepted(decide(forge))
        #expect(certificate.forcedCommand == "uptime -p")
        #expect(certificate.obstacleToJumps != nil)
        for odd in ["", "a\nb", "a\0b", String(repeating: "x", count: 1_025)] {
            forge.criticalOptions = [("force-command", CertificateForge.text(odd))]
            #expect(reason(try decide(forge)) == .malformedCertificate)
        }
        forge.criticalOptions = [("force-command", Array("uptime".utf8))]
        #expect(reason(try decide(forge)) == .malformedCertificate)
    }

    @Test(
        "with source addresses opens from there alone",
        arguments: [
            ("192.0.2.0/24", "192.0.2.7", nil), ("192.0.2.0/24", "::ffff:192.0.2.7", nil),
            ("10.0.0.0/8,192.0.2.7", "192.0.2.7", nil), ("2001:db8::/32", "2001:db8::1", nil),
            ("192.0.2.0/24", "192.0.3.7", .otherSource), ("2001:db8::/32", "192.0.2.7", .otherSource),
            ("0.0.0.0/0", "2001:db8::1", .otherSource), ("192.0.2.0/24", "unknown", .otherSource),
            ("", "192.0.2.7", .malformedCertificate), ("192.0.2.0/24,", "192.0.2.7", .malformedCertificate),
            ("192.0.2.7/24", "192.0.2.7", .malformedCertificate),
            ("!10.0.0.0/8", "192.0.2.7", .malformedCertificate),
            ("192.0.2.*", "192.0.2.7", .malformedCertificate),
        ] as [(String, String, KeyDecision.Reason?)])
    func sources(_ networks: String, _ address: String, _ wanted: KeyDecision.Reason?) throws {
        var forge = CertificateForge()
        forge.criticalOptions = [("source-address", CertificateForge.text(networks))]
        #expect(reason(try decide(forge, from: address)) == wanted)
    }

    @Test("with a critical option that nobody knows, or that cannot be kept, is refused")
    func criticalOptions() throws {
        var forge = CertificateForge()
        forge.criticalOptions = [("verify-required", [])]
        #expect(reason(try decide(forge)) == .verifyRequired)
        for name in ["x@example.com", "permit-pty", "", "Force-Command"] {
            forge.criticalOptions = [(name, [])]
            #expect(reason(try decide(forge)) == .unknownCriticalOption)
        }
        let twice = [("10.0.0.0/8"), ("0.0.0.0/0")].map { ("source-address", CertificateForge.text($0)) }
        forge.criticalOptions = twice
        #expect(reason(try decide(forge)) == .malformedCertificate)
        forge.criticalOptions = []
        forge.extensions = [("permit-pty", [0])]
        #expect(reason(try decide(forge)) == .malformedCertificate)
    }

    @Test("without a nonce is refused, and another nonce needs another signature")
    func nonces() throws {
        for count in [0, 15, 65] {
            var forge = CertificateForge()
            forge.nonce = [UInt8](repeating: 1, count: count)
            #expect(reason(try decide(forge)) == .malformedCertificate)
        }
        var blob = try CertificateForge().blob(for: subject.publicKey, signedBy: authority)
        blob[4 + subject.publicKey.type.certificateName.utf8.count + 4] ^= 1
        let decision = try KeyDecision(
            login: LoginName("alice"), key: blob, from: "192.0.2.7", at: now, in: directory)
        #expect(reason(decision) == .wrongCertificateSignature)
    }

    @Test("opens nothing once its key, its number, its name or its CA is revoked")
    func revocation() throws {
        try directory.revokeCertificates(.serial(8), of: "corporate")
        #expect(reason(try decide(CertificateForge())) == nil)
        try directory.revokeCertificates(.serial(7), of: "corporate")
        #expect(reason(try decide(CertificateForge())) == .revokedCertificate)
        var forge = CertificateForge()
        forge.serial = 9
        #expect(reason(try decide(forge)) == nil)
        try directory.revokeCertificates(.keyID("alice at work"), of: "corporate")
        #expect(reason(try decide(forge)) == .revokedCertificate)
        forge.keyID = "other"
        #expect(reason(try decide(forge)) == nil)
        try directory.revokeKey(Self.material(subject.publicKey))
        #expect(reason(try decide(forge)) == .revokedCertificate)
        #expect(throws: DirectoryError.self) {
            try directory.addKey(Self.material(subject.publicKey), to: "alice")
        }
        try directory.removeAuthority("corporate")
        #expect(reason(try decide(forge)) == .unknownAuthority)
        // What was revoked stays so when the CA is trusted again.
        try directory.addAuthority("again", Self.material(authority.publicKey))
        #expect(reason(try decide(CertificateForge())) == .revokedCertificate)
        try directory.removeAuthority("again")
        try directory.revokeKey(Self.material(authority.publicKey))
        #expect(throws: DirectoryError.self) {
            try directory.addAuthority("third", Self.material(authority.publicKey))
        }
    }

    @Test("of a key taken away from somebody opens nothing")
    func keyTakenAway() throws {
        let key = Self.material(subject.publicKey)
        try directory.addKey(key, to: "bob")
        try directory.removeKey(key.fingerprint, of: "bob")
        #expect(reason(try decide(CertificateForge())) == .revokedCertificate)
    }

    @Test("names nobody beyond its CA's scope, and a scope never grows")
    func scope() throws {
        try directory.removeAuthority("corporate")
        try directory.addAuthority("corporate", Self.material(authority.publicKey), groups: ["lab"])
        #expect(reason(try decide(CertificateForge())) == .beyondScope)
        try directory.addMembers(["alice"], to: "lab")
        #expect(reason(try decide(CertificateForge())) == nil)
        try directory.removeGroup("lab")
        #expect(reason(try decide(CertificateForge())) == .beyondScope)
        // The same after a way through JSON.
        let copy = try DirectoryStore(path: folder.path + "/copy.db")
        try copy.importJSON(try directory.exportJSON())
        #expect(try copy.authorities().map(\.groups) == [["lab"]])
        #expect(try copy.exportJSON() == directory.exportJSON())
    }

    @Test("of who is locked or has left opens nothing")
    func states() throws {
        try directory.lockUser("alice")
        #expect(reason(try decide(CertificateForge())) == .locked)
        try directory.leaveUser("alice")
        #expect(reason(try decide(CertificateForge())) == .left)
    }

    @Test("opens no watcher's login")
    func watcher() throws {
        var forge = CertificateForge()
        forge.principals = [Array(KeyDecision.watcherName.utf8)]
        #expect(reason(try decide(forge, login: "\(KeyDecision.watcherName)+h1")) == .unknownWatcher)
    }

    @Test("that was damaged opens nothing, however it was damaged")
    func mutations() throws {
        var forge = CertificateForge()
        forge.criticalOptions = [
            ("force-command", CertificateForge.text("true")),
            ("source-address", CertificateForge.text("192.0.2.0/24")),
        ]
        forge.extensions = [("permit-pty", [])]
        let good = try forge.blob(for: subject.publicKey, signedBy: authority)
        var random = SeededGenerator(seed: 11)
        for _ in 0..<3_000 {
            let blob = random.damaged(good)
            guard blob != good else { continue }
            let decision = try KeyDecision(
                login: LoginName("alice"), key: blob, from: "192.0.2.7", at: now, in: directory)
            #expect(reason(decision) != nil)
        }
    }

    @Test("is what the directory keeps of its CA, also after an export")
    func export() throws {
        try directory.revokeCertificates(.serial(.max), of: "corporate")
        try directory.revokeCertificates(.keyID("é\u{7}"), of: "corporate")
        try directory.revokeKey(Self.material(subject.publicKey))
        let copy = try DirectoryStore(path: folder.path + "/copy.db")
        try copy.importJSON(try directory.exportJSON())
        #expect(try copy.exportJSON() == directory.exportJSON())
        #expect(try copy.certificateRevocations().count == 2)
        #expect(throws: DirectoryError.self) {
            try copy.addKey(Self.material(subject.publicKey), to: "alice")
        }
    }

    @Test("is not forgotten where somebody has a key that is revoked for good elsewhere")
    func exportToHolder() throws {
        let copy = try DirectoryStore(path: folder.path + "/copy.db")
        try copy.importJSON(try directory.exportJSON())
        try copy.addKey(Self.material(subject.publicKey), to: "alice")
        try directory.revokeKey(Self.material(subject.publicKey))
        let document = try directory.exportJSON()
        let before = try copy.exportJSON()
        #expect(throws: DirectoryError.self) { try copy.importJSON(document) }
        #expect(try copy.exportJSON() == before)
    }
}
