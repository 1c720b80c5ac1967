import SSHKeys
import Support
import TestSupport
import Testing

@Suite("A certificate that somebody shows")
struct PresentedCertificateTests {
    /// Has ssh-keygen sign a key of one type by a CA of another.
    private func made(
        _ type: String, by authority: String, _ options: [String] = []
    ) throws -> PresentedCertificate {
        let folder = try ScratchFolder()
        for (name, type) in [("ca", authority), ("key", type)] {
            var words = ["-q", "-t", type, "-N", "", "-f", "\(folder.path)/\(name)"]
            if let separator = type.firstIndex(of: ":") {
                words[2] = String(type[..<separator])
                words += ["-b", String(type[type.index(after: separator)...])]
            }
            #expect(try Tool("/usr/bin/ssh-keygen", words).status == 0)
        }
        let words = ["-q", "-s", folder.path + "/ca", "-I", "id 1", "-z", "42", "-n", "alice,bob"]
        let run = try Tool("/usr/bin/ssh-keygen", words + options + [folder.path + "/key.pub"])
        #expect(run.status == 0)
        let line = String(decoding: try folder.read("key-cert.pub"), as: UTF8.self)
        let blob = Base64.decode(line.split(separator: " ")[1]) ?? []
        #expect(PresentedCertificate.isMeant(by: blob))
        return try PresentedCertificate(blob: blob)
    }

    @Test(
        "of ssh-keygen is read and verified, whatever the keys",
        arguments: [
            ("ed25519", "ed25519"), ("rsa:3072", "ecdsa:256"), ("ecdsa:384", "ecdsa:521"),
            ("ecdsa:521", "ecdsa:384"), ("ed25519", "rsa:3072"),
        ])
    func reads(_ type: String, _ authority: String) throws {
        let certificate = try made(
            type, by: authority, ["-O", "force-command=uptime", "-O", "clear", "-O", "permit-pty"])
        #expect(certificate.isSignedByItsAuthority)
        #expect(certificate.serial == 42)
        #expect(certificate.keyID == "id 1")
        #expect(certificate.kind == .user)
        #expect(certificate.principals == ["alice", "bob"].map { Array($0.utf8) })
        #expect(certificate.extensions.map(\.name) == ["permit-pty"])
        #expect(certificate.validBefore == .max)
    }

    @Test("options are read with their values, a host's as a host's")
    func options() throws {
        let certificate = try made(
            "ed25519", by: "ed25519",
            ["-O", "force-command=a b", "-O", "source-address=10.0.0.0/8", "-V", "20200101:20300101"])
        #expect(certificate.criticalOptions.map(\.name) == ["force-command", "source-address"])
        #expect(certificate.criticalOptions.map(\.text) == ["a b", "10.0.0.0/8"])
        #expect(certificate.validAfter < certificate.validBefore)
        #expect(try made("ed25519", by: "ed25519", ["-h"]).kind == .host)
    }

    @Test(
        "of an RSA CA counts with SHA-2 only",
        arguments: [("rsa-sha2-256", true), ("rsa-sha2-512", true), ("ssh-rsa", false)])
    func hashes(_ algorithm: String, _ isGood: Bool) throws {
        let certificate = try made("ed25519", by: "rsa:3072", ["-t", algorithm])
        #expect(certificate.isSignedByItsAuthority == isGood)
    }

    @Test("signed by a security key counts if it was touched")
    func securityKeys() throws {
        let inner = try PrivateKey.generate()
        var blob = WireWriter()
        blob.string(KeyType.securityKeyEd25519.rawValue)
        blob.data(inner.publicKey.blob.suffix(32))
        blob.string("ssh:")
        let key = try PublicKey(blob: blob.bytes)
        let message = Array("a certificate".utf8)
        func signature(flags: UInt8, counter: UInt32 = 9) throws -> [UInt8] {
            var signed = WireWriter()
            signed.raw(HashFunction.sha256(Array("ssh:".utf8)))
            signed.byte(flags)
            signed.uint32(counter)
            signed.raw(HashFunction.sha256(message))
            var out = WireWriter()
            out.string(KeyType.securityKeyEd25519.rawValue)
            out.data(try inner.sign(signed.bytes).suffix(64))
            out.byte(flags)
            out.uint32(counter)
            return out.bytes
        }
        #expect(key.hasCertified(message, with: try signature(flags: 1)))
        #expect(key.hasCertified(message, with: try signature(flags: 5)))
        #expect(!key.hasCertified(message, with: try signature(flags: 0)))
        #expect(!key.hasCertified(message, with: try signature(flags: 4)))
        // A flag that was set afterwards, and a signature of the key that is inside.
        var forged = try signature(flags: 0)
        forged[forged.count - 5] = 1
        #expect(!key.hasCertified(message, with: forged))
        #expect(!key.hasCertified(message, with: try inner.sign(message)))
        #expect(!inner.publicKey.hasCertified(message, with: try signature(flags: 1)))
    }

    @Test("a signature under another algorithm's name is none")
    func algorithmNames() throws {
        let key = try PrivateKey.generate()
        let message = Array("x".utf8)
        let good = try key.sign(message)
        #expect(key.publicKey.hasCertified(message, with: good))
        for name in ["", "ssh-rsa", "rsa-sha2-512", "ssh-ed25519-cert-v01@openssh.com", "SSH-ED25519"] {
            var out = WireWriter()
            out.string(name)
            out.data(good.suffix(64))
            #expect(!key.publicKey.hasCertified(message, with: out.bytes))
        }
        #expect(!key.publicKey.hasCertified(message, with: good + [0]))
        #expect(!key.publicKey.hasCertified(message, with: []))
        #expect(!key.publicKey.hasCertified(message + [0], with: good))
    }

    @Test("a plain key, and a certificate with something after it, are none")
    func others() throws {
        let key = try PrivateKey.generate()
        #expect(!PresentedCertificate.isMeant(by: key.publicKey.blob))
        #expect(keyErrorCode { _ = try PresentedCertificate(blob: key.publicKey.blob) } == .unsupportedType)
        let signed = try CertificateAuthority(key: key).sign(
            UserCertificate(
                for: key.publicKey, serial: 1, keyID: "x", principals: ["alice"], validity: .seconds(60)))
        #expect(try PresentedCertificate(blob: signed.blob).isSignedByItsAuthority)
        #expect(keyErrorCode { _ = try PresentedCertificate(blob: signed.blob + [0]) } == .malformed)
        let long = signed.blob + [UInt8](repeating: 0, count: PresentedCertificate.byteLimit)
        #expect(keyErrorCode { _ = try PresentedCertificate(blob: long) } == .malformed)
        #expect(!PresentedCertificate.isMeant(by: long))
    }

    @Test("damaged ones are refused, or not signed any more, and crash nothing")
    func mutations() throws {
        let key = try PrivateKey.generate()
        var certificate = UserCertificate(
            for: key.publicKey, serial: 1, keyID: "x", principals: ["alice"], validity: .seconds(60),
            permissions: [.terminal])
        certificate.forcedCommand = "uptime"
        let good = try CertificateAuthority(key: key).sign(certificate).blob
        var random = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let blob = random.damaged(good)
            guard blob != good, let read = try? PresentedCertificate(blob: blob) else { continue }
            #expect(!read.isSignedByItsAuthority)
        }
    }
}
