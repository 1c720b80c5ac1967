import Support

/// A certificate of OpenSSH (PROTOCOL.certkeys) that somebody shows, taken apart; whether to believe it is decided elsewhere.
package struct PresentedCertificate: Equatable, Sendable {
    /// Whom it names.
    package enum Kind: UInt32, Sendable {
        case user = 1
        case host = 2
    }

    /// A critical option or an extension: a name, and what belongs to it.
    package struct Option: Equatable, Sendable {
        package let name: String
        /// The option's bytes; empty for those that are there or not.
        package let data: [UInt8]

        /// The one text in it; nil if it is anything else.
        package var text: String? {
            var input = WireReader(data)
            guard let text = try? input.string(), input.remaining == 0 else { return nil }
            return text
        }
    }

    /// No certificate is longer, in bytes.
    package static let byteLimit = 16 * 1_024
    /// Principals, and options of each kind, at the most.
    private static let listLimit = 256

    /// The key that it certifies, as a plain key.
    package let subject: PublicKey
    package let serial: UInt64
    package let kind: Kind
    /// What its maker calls it. The peer's text: to be escaped where it is shown.
    package let keyID: String
    /// As bytes: what is no text is nobody's name.
    package let principals: [[UInt8]]
    /// Seconds since 1970; the certificate is good from then on.
    package let validAfter: UInt64
    /// Seconds since 1970; it is good before that.
    package let validBefore: UInt64
    package let criticalOptions: [Option]
    package let extensions: [Option]
    /// Who has signed it, as it says itself: a plain key, never a certificate.
    package let authority: PublicKey

    private let signature: [UInt8]
    private let signedBytes: [UInt8]

    /// Takes a certificate apart.
    ///
    /// - Throws: `KeyError`: `certificate` for one that is signed by a certificate, `unsupportedType` for a plain key or another format,
    ///   `malformed` for anything that is not one certificate and nothing else.
    package init(blob: [UInt8]) throws(KeyError) {
        do {
            self = try Self.read(blob)
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the certificate is cut off or damaged")
        }
    }

    /// Whether a blob says that it is a certificate; it may be damaged all the same.
    package static func isMeant(by blob: [UInt8]) -> Bool {
        var input = WireReader(blob)
        guard blob.count <= byteLimit, let name = try? input.string() else { return false }
        return KeyType.allCases.contains { $0.certificateName == name }
    }

    /// The key id for logs: short, and without control characters.
    package var keyIDText: String { Self.shown(keyID) }

    /// A key id as logs may have it.
    package static func shown(_ keyID: String) -> String {
        String(String.UnicodeScalarView(keyID.unicodeScalars.prefix(200))).printable
    }

    /// Whether the key it names as its authority has signed it.
    package var isSignedByItsAuthority: Bool { authority.hasCertified(signedBytes, with: signature) }

    private init(
        subject: PublicKey, serial: UInt64, kind: Kind, keyID: String, principals: [[UInt8]],
        validity: (after: UInt64, before: UInt64), options: (critical: [Option], extensions: [Option]),
        authority: PublicKey, signature: [UInt8], signedBytes: [UInt8]
    ) {
        self.subject = subject
        self.serial = serial
        self.kind = kind
        self.keyID = keyID
        self.principals = principals
        validAfter = validity.after
        validBefore = validity.before
        criticalOptions = options.critical
        extensions = options.extensions
        self.authority = authority
        self.signature = signature
        self.signedBytes = signedBytes
    }

    private static func read(_ blob: [UInt8]) throws -> PresentedCertificate {
        guard blob.count <= byteLimit else { throw KeyError(.malformed, "the certificate is too long") }
        var input = WireReader(blob)
        let name = try input.string()
        guard let type = KeyType.allCases.first(where: { $0.certificateName == name }) else {
            throw KeyError(.unsupportedType, "this is no certificate of a kind that is accepted")
        }
        // Any signer uses 16 or 32 bytes; without them the signer's next signature could be foretold.
        guard (16...64).contains(try input.data().count) else {
            throw KeyError(.malformed, "the certificate has no proper nonce")
        }
        var plain = WireWriter()
        plain.string(type.rawValue)
        for _ in 0..<type.fieldCount { plain.data(try input.data()) }
        let subject = try PublicKey(blob: plain.bytes)
        let serial = try input.uint64()
        guard let kind = Kind(rawValue: try input.uint32()) else {
            throw KeyError(.malformed, "the certificate is neither a user's nor a host's")
        }
        let keyID = try input.string()
        let principals = try list(of: input.data()) { try $0.data() }
        let validity = (after: try input.uint64(), before: try input.uint64())
        let critical = try options(in: input.data())
        let extensions = try options(in: input.data())
        // Reserved: ignored, but signed.
        _ = try input.data()
        let authority = try PublicKey(blob: try input.data())
        let signedCount = blob.count - input.remaining
        let signature = try input.data()
        try input.finish()
        return PresentedCertificate(
            subject: subject, serial: serial, kind: kind, keyID: keyID, principals: principals,
            validity: validity, options: (critical, extensions), authority: authority, signature: signature,
            signedBytes: Array(blob.prefix(signedCount)))
    }

    /// Each option is there once: of two with one name it would be open which one counts.
    private static func options(in bytes: [UInt8]) throws -> [Option] {
        let options = try list(of: bytes) { input in
            Option(name: try input.string(), data: try input.data())
        }
        guard Set(options.map(\.name)).count == options.count else {
            throw KeyError(.malformed, "the certificate has an option twice")
        }
        return options
    }

    private static func list<Element>(
        of bytes: [UInt8], _ element: (inout WireReader) throws -> Element
    ) throws -> [Element] {
        var input = WireReader(bytes)
        var list: [Element] = []
        while input.remaining > 0 {
            guard list.count < listLimit else {
                throw KeyError(.malformed, "the certificate has too many principals or options")
            }
            list.append(try element(&input))
        }
        return list
    }
}
