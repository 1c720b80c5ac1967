import SSHKeys
import Support
import TestSupport
import Testing

@Suite("Private keys")
struct PrivateKeyTests {
    @Test(
        "ssh-keygen takes a file we wrote and finds the same public key",
        arguments: ["", "gatehouse-user-ca"])
    func writesForKeygen(_ comment: String) throws {
        let folder = try ScratchFolder()
        let key = try PrivateKey.generate(comment: comment)
        let file = try folder.write(try key.fileContents(), to: "key")
        let run = try Tool("/usr/bin/ssh-keygen", ["-y", "-f", file])
        #expect(run.status == 0)
        #expect(run.output == key.publicKey.line + "\n")
    }

    @Test("a file is read back: ours and ssh-keygen's")
    func readsBack() throws {
        for length in 0..<9 {
            let key = try PrivateKey.generate(comment: String(repeating: "c", count: length))
            let again = try PrivateKey(fileContents: Array(try key.fileContents().utf8))
            #expect(again.publicKey == key.publicKey)
        }
        let made = try KeygenFixture("ed25519", comment: "host key")
        let key = try PrivateKey(fileContents: made.privateFile)
        #expect(key.publicKey.line + "\n" == made.publicLine)
    }

    @Test("two keys differ")
    func differ() throws {
        #expect(try PrivateKey.generate().publicKey != PrivateKey.generate().publicKey)
    }

    @Test("a signature fits its key and its message only")
    func verifies() throws {
        let key = try PrivateKey.generate()
        let message = Array("message".utf8)
        let signature = try key.sign(message)
        #expect(key.publicKey.verifies(signature, of: message))
        #expect(!key.publicKey.verifies(signature, of: message + [0]))
        #expect(!(try PrivateKey.generate().publicKey.verifies(signature, of: message)))
        for index in signature.indices {
            var damaged = signature
            damaged[index] ^= 1
            #expect(!key.publicKey.verifies(damaged, of: message))
        }
        #expect(!key.publicKey.verifies([], of: message))
    }

    @Test("ssh-keygen verifies our signature")
    func signs() throws {
        let folder = try ScratchFolder()
        let key = try PrivateKey.generate()
        // SSHSIG of OpenSSH: what is signed names the hash of the message.
        var signed = WireWriter()
        signed.raw(Array("SSHSIG".utf8))
        signed.string("file")
        signed.string("")
        signed.string("sha256")
        let empty: [UInt8] = [
            0xE3, 0xB0, 0xC4, 0x42, 0x98, 0xFC, 0x1C, 0x14, 0x9A, 0xFB, 0xF4, 0xC8, 0x99, 0x6F, 0xB9, 0x24,
            0x27, 0xAE, 0x41, 0xE4, 0x64, 0x9B, 0x93, 0x4C, 0xA4, 0x95, 0x99, 0x1B, 0x78, 0x52, 0xB8, 0x55,
        ]
        signed.data(empty)
        var envelope = WireWriter()
        envelope.raw(Array("SSHSIG".utf8))
        envelope.uint32(1)
        envelope.data(key.publicKey.blob)
        envelope.string("file")
        envelope.string("")
        envelope.string("sha256")
        envelope.data(try key.sign(signed.bytes))
        let text =
            "-----BEGIN SSH SIGNATURE-----\n\(Base64.encode(envelope.bytes))\n-----END SSH SIGNATURE-----\n"
        let file = try folder.write(text, to: "signature")
        // The message is standard input, which is empty.
        let words = ["-Y", "check-novalidate", "-n", "file", "-s", file]
        let run = try Tool("/usr/bin/ssh-keygen", words)
        #expect(run.status == 0, "\(run.output)")
        #expect(run.output.contains(key.publicKey.fingerprint))
    }

    @Test("a key with a passphrase, or of another kind, is refused as such")
    func refusesOthers() throws {
        let encrypted = try KeygenFixture("ed25519", passphrase: "secret words")
        #expect(keyErrorCode { _ = try PrivateKey(fileContents: encrypted.privateFile) } == .encrypted)
        let rsa = try KeygenFixture("rsa", bits: 3_072)
        #expect(keyErrorCode { _ = try PrivateKey(fileContents: rsa.privateFile) } == .unsupportedType)
    }

    @Test("a file that is cut or changed is refused, and never crashes")
    func refusesDamage() throws {
        let contents = Array(try PrivateKey.generate(comment: "x").fileContents().utf8)
        for length in 0..<contents.count - 1 {
            #expect(throws: KeyError.self) { try PrivateKey(fileContents: Array(contents.prefix(length))) }
        }
        let original = try PrivateKey(fileContents: contents).publicKey
        for index in contents.indices {
            var changed = contents
            changed[index] ^= 0x02
            // A change in the comment or in both check numbers' text may pass; the key never changes.
            if let key = try? PrivateKey(fileContents: changed) {
                #expect(key.publicKey.blob == original.blob)
            }
        }
    }

    @Test(
        "private keys are recognised, whatever stands before them",
        arguments: [
            "-----BEGIN OPENSSH PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n", "-----begin openssh private key-----\n",
            "PuTTY-User-Key-File-3: ssh-ed25519\n", "openssh-key-v1\0rest",
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n",
        ])
    func detects(_ text: String) {
        let ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZbzjfLEHUiUqDh2VsQHVBP0bNdL0EROSxcGgJzaBLP\n"
        for prefix in ["", "\u{FEFF}", " \t\r\n\n", "junk\n", ssh, "\0\0"] {
            let bytes = Array((prefix + text).utf8)
            #expect(PrivateKeyMark.isFound(in: bytes))
            #expect(keyErrorCode { _ = try PublicKey.parse(bytes: bytes) } == .privateKey)
        }
        let wide = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        #expect(PrivateKeyMark.isFound(in: [0xFF, 0xFE] + wide))
    }

    @Test("the error for a private key does not repeat it")
    func staysSilent() throws {
        let contents = try PrivateKey.generate().fileContents()
        let error = #expect(throws: KeyError.self) { try PublicKey.parse(contents) }
        let body = try #require(contents.split(separator: "\n").dropFirst().first)
        #expect(error?.detail.contains(body) == false)
        #expect(error?.detail.contains("PRIVATE") == true)
    }

    @Test("public keys are not taken for private ones")
    func detectsNoPublicKeys() throws {
        let made = try KeygenFixture("ed25519", comment: "my private key-ring begin")
        #expect(!PrivateKeyMark.isFound(in: made.publicLine.utf8))
    }
}
