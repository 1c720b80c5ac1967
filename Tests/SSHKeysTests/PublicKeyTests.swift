import SSHKeys
import Support
import Testing

@Suite("Public keys")
struct PublicKeyTests {
    private static let ed25519 =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZbzjfLEHUiUqDh2VsQHVBP0bNdL0EROSxcGgJzaBLP alice@laptop"

    @Test(
        "keys of ssh-keygen are read, with the fingerprint and the line it prints",
        arguments: [
            ("ed25519", nil), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 3_072),
        ] as [(String, Int?)])
    func readsKeygen(_ type: String, _ bits: Int?) throws {
        let made = try KeygenFixture(type, bits: bits)
        let key = try PublicKey.parse(made.publicLine)
        #expect(key.fingerprint == (try made.fingerprint()))
        #expect(key.line + "\n" == made.publicLine)
        #expect(key.comment == "made by ssh-keygen")
        #expect(try PublicKey(blob: key.blob, comment: key.comment) == key)
        #expect(try PrivateKey.publicKey(inFileContents: made.privateFile).isSameKey(as: key))
    }

    @Test("keys on security keys are read", arguments: [KeyType.securityKeyEd25519, .securityKeyECDSA256])
    func readsSecurityKeys(_ type: KeyType) throws {
        let made = try KeygenFixture(type == .securityKeyEd25519 ? "ed25519" : "ecdsa", bits: 256)
        let plain = try PublicKey.parse(made.publicLine)
        var blob = WireWriter()
        blob.string(type.rawValue)
        blob.raw(plain.blob.dropFirst(4 + plain.type.rawValue.utf8.count))
        let bare = blob.bytes
        blob.string("ssh:")
        let key = try PublicKey(blob: blob.bytes, comment: "token")
        #expect(key.type == type)
        #expect(try PublicKey.parse(key.line) == key)
        #expect(keyErrorCode { _ = try PublicKey(blob: bare) } == .malformed)
    }

    @Test("blanks, comments and Windows line ends around the line do not matter")
    func tolerates() throws {
        let key = try PublicKey.parse(Self.ed25519)
        #expect(key.comment == "alice@laptop")
        for text in ["\u{FEFF}\(Self.ed25519)", "  \(Self.ed25519)  \r\n", "# mine\n\n\t\(Self.ed25519)\n\n"]
        {
            #expect(try PublicKey.parse(text) == key)
            #expect(try PublicKey.parse(bytes: Array(text.utf8)) == key)
        }
        let spaced = Self.ed25519.replacing(" ", with: " \t ")
        #expect(try PublicKey.parse(spaced) == key)
    }

    @Test("a comment may have blanks and letters of any script, and may be missing")
    func comments() throws {
        let bare = Self.ed25519.split(separator: " ").prefix(2).joined(separator: " ")
        #expect(try PublicKey.parse(bare).comment == "")
        #expect(try PublicKey.parse(bare).line == bare)
        #expect(try PublicKey.parse(bare + " Ælice  am Gerät").comment == "Ælice  am Gerät")
        #expect(keyErrorCode { _ = try PublicKey.parse(bare + " bell \u{07}") } == .malformed)
        #expect(keyErrorCode { _ = try PublicKey.parse(bare).commented("two\nlines") } == .malformed)
        let long = String(repeating: "x", count: PublicKey.commentLimit + 1)
        #expect(keyErrorCode { _ = try PublicKey.parse(bare + " " + long) } == .malformed)
    }

    @Test(
        "options of authorized_keys are refused and explained",
        arguments: ["no-pty ", "command=\"ls -l\" ", "from=\"10.0.0.0/8\",no-pty ", "cert-authority "])
    func refusesOptions(_ options: String) {
        let error = #expect(throws: KeyError.self) { try PublicKey.parse(options + Self.ed25519) }
        #expect(error?.code == .options)
        #expect(error?.detail.contains("options") == true)
    }

    @Test("short RSA keys are refused with their size", arguments: [1_024, 2_048])
    func refusesShortRSA(_ bits: Int) throws {
        let made = try KeygenFixture("rsa", bits: bits)
        let error = #expect(throws: KeyError.self) { try PublicKey.parse(made.publicLine) }
        #expect(error?.code == .tooShort)
        #expect(error?.detail.contains("\(bits) bits") == true)
    }

    @Test("DSA and unknown kinds are refused")
    func refusesOthers() throws {
        let made = try KeygenFixture("dsa")
        #expect(keyErrorCode { _ = try PublicKey.parse(made.publicLine) } == .unsupportedType)
        #expect(keyErrorCode { _ = try PublicKey.parse("ssh-xmss@openssh.com AAAA") } == .unsupportedType)
    }

    @Test("a certificate is refused as one, as a line and as a blob")
    func refusesCertificates() throws {
        let subject = try PublicKey.parse(Self.ed25519)
        let authority = CertificateAuthority(key: try PrivateKey.generate())
        let certificate = try authority.sign(
            UserCertificate(
                for: subject, serial: 1, keyID: "x", principals: ["alice"], validity: .seconds(60)))
        #expect(keyErrorCode { _ = try PublicKey.parse(certificate.line) } == .certificate)
        #expect(keyErrorCode { _ = try PublicKey(blob: certificate.blob) } == .certificate)
    }

    @Test("several keys, no key, and other formats are told apart")
    func refusesOtherTexts() {
        #expect(keyErrorCode { _ = try PublicKey.parse(Self.ed25519 + "\n" + Self.ed25519) } == .severalKeys)
        for text in ["", " \n\t\n", "# only a comment\n"] {
            #expect(keyErrorCode { _ = try PublicKey.parse(text) } == .empty)
        }
        #expect(
            keyErrorCode { _ = try PublicKey.parse("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n") }
                == .foreignFormat)
        #expect(
            keyErrorCode { _ = try PublicKey.parse("-----BEGIN PUBLIC KEY-----\nAAAA\n") } == .foreignFormat)
        for text in ["hello", "ssh-ed25519", "ssh-ed25519 !!!!", "ssh-rsa " + Self.ed25519.dropFirst(12)] {
            #expect(keyErrorCode { _ = try PublicKey.parse(text) } == .malformed)
        }
        #expect(keyErrorCode { _ = try PublicKey.parse(bytes: [0xFF, 0xFE, 0x41]) } == .malformed)
        let huge = Self.ed25519 + String(repeating: " x", count: 20_000)
        #expect(keyErrorCode { _ = try PublicKey.parse(huge) } == .malformed)
    }

    @Test("a blob that is cut, extended or of another inner kind is refused")
    func refusesDamagedBlobs() throws {
        for made in [
            try KeygenFixture("ed25519"), try KeygenFixture("ecdsa"), try KeygenFixture("rsa", bits: 3_072),
        ] {
            let blob = try PublicKey.parse(made.publicLine).blob
            for length in 0..<blob.count {
                #expect(throws: KeyError.self) { try PublicKey(blob: Array(blob.prefix(length))) }
            }
            #expect(keyErrorCode { _ = try PublicKey(blob: blob + [0]) } == .malformed)
        }
    }

    @Test("a point off its curve, or on another, is refused")
    func refusesBadPoints() throws {
        let blob = try PublicKey.parse(try KeygenFixture("ecdsa", bits: 256).publicLine).blob
        var off = blob
        off[off.count - 1] ^= 1
        #expect(keyErrorCode { _ = try PublicKey(blob: off) } == .malformed)
        var infinite = Array(blob.dropLast(69))
        infinite += [0, 0, 0, 1, 0]
        #expect(keyErrorCode { _ = try PublicKey(blob: infinite) } == .malformed)
        var otherCurve = WireWriter()
        otherCurve.string("ecdsa-sha2-nistp384")
        otherCurve.raw(blob.dropFirst(4 + 19))
        #expect(keyErrorCode { _ = try PublicKey(blob: otherCurve.bytes) } == .malformed)
    }

    @Test("RSA numbers that are negative, padded, even or tiny are refused")
    func refusesBadRSA() {
        func code(exponent: [UInt8], modulus: [UInt8]) -> KeyError.Code? {
            var blob = WireWriter()
            blob.string("ssh-rsa")
            blob.data(exponent)
            blob.data(modulus)
            let bytes = blob.bytes
            return keyErrorCode { _ = try PublicKey(blob: bytes) }
        }
        let modulus = [0] + [UInt8](repeating: 0xFF, count: 384)
        #expect(code(exponent: [1, 0, 1], modulus: modulus) == nil)
        #expect(code(exponent: [1, 0, 1], modulus: [0x7F] + modulus.dropFirst(2)) == .tooShort)
        #expect(code(exponent: [1], modulus: modulus) == .malformed)
        #expect(code(exponent: [], modulus: modulus) == .malformed)
        #expect(code(exponent: [4], modulus: modulus) == .malformed)
        #expect(code(exponent: [0, 3], modulus: modulus) == .malformed)
        #expect(code(exponent: [0x81], modulus: modulus) == .malformed)
        #expect(code(exponent: [UInt8](repeating: 0x7F, count: 9), modulus: modulus) == .malformed)
        #expect(code(exponent: [3], modulus: Array(modulus.dropFirst())) == .malformed)
        #expect(code(exponent: [3], modulus: [0] + modulus) == .malformed)
        #expect(code(exponent: [3], modulus: modulus.dropLast() + [0xFE]) == .malformed)
        #expect(code(exponent: [3], modulus: [0] + [UInt8](repeating: 0xFF, count: 2_049)) == .malformed)
    }

    @Test("random changes of a blob never crash, and give a key only where the bytes still are one")
    func survivesRandomChanges() throws {
        var generator = SystemRandomNumberGenerator()
        let blob = try PublicKey.parse(Self.ed25519).blob
        for _ in 0..<20_000 {
            var changed = blob
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            if let key = try? PublicKey(blob: changed) {
                #expect(key.blob.prefix(19) == blob.prefix(19))
            }
            _ = try? PublicKey.parse(bytes: changed)
        }
    }

    @Test("known_hosts lines name the port unless it is 22")
    func knownHosts() throws {
        let key = try PublicKey.parse(Self.ed25519)
        let tail = Self.ed25519.split(separator: " ").prefix(2).joined(separator: " ")
        #expect(key.knownHostsLine(host: "gw.example.org", port: 2222) == "[gw.example.org]:2222 \(tail)")
        #expect(key.knownHostsLine(host: "10.0.0.1", port: 22) == "10.0.0.1 \(tail)")
    }

    @Test("comparison in constant time compares")
    func constantTime() {
        #expect(ConstantTime.areEqual([], []))
        #expect(ConstantTime.areEqual([1, 2], [1, 2]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 3]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 2, 3]))
    }
}
