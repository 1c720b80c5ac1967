import COpenSSL
import Support

/// OpenSSH's own file format, PROTOCOL.key: unencrypted, one Ed25519 key.
extension PrivateKey {
    private static let header = "-----BEGIN OPENSSH PRIVATE KEY-----"
    private static let footer = "-----END OPENSSH PRIVATE KEY-----"
    private static let magic = Array("openssh-key-v1\0".utf8)
    private static let blockSize = 8

    /// No file of a private key is longer, in bytes.
    package static let fileLimit = 16 * 1024

    /// The contents of a file that `ssh-keygen` and `sshd` read. Holds the secret: write it with mode 0600, and log it never.
    ///
    /// - Throws: `KeyError` with code `cryptography`.
    package func fileContents() throws(KeyError) -> String {
        let check = try Cryptography.randomBytes(4)
        let comment = Array(publicKey.comment.utf8)
        let point = publicKey.blob.suffix(32)
        // Room for all of it from the start, so that growing leaves no copy of the secret behind.
        var secret: [UInt8] = []
        secret.reserveCapacity(256 + comment.count)
        defer { Cryptography.clear(&secret) }
        secret += check + check
        secret += Self.field(Array(KeyType.ed25519.rawValue.utf8)) + Self.field(point)
        secret += [0, 0, 0, 64]
        try unsafe withSeed { unsafe secret.append(contentsOf: $0) }
        secret += point
        secret += Self.field(comment)
        var padding: UInt8 = 1
        while !secret.count.isMultiple(of: Self.blockSize) {
            secret.append(padding)
            padding += 1
        }

        var all = Self.magic
        all.reserveCapacity(512 + secret.count + publicKey.blob.count)
        defer { Cryptography.clear(&all) }
        let none = Self.field(Array("none".utf8))
        all += none + none + Self.field([]) + [0, 0, 0, 1] + Self.field(publicKey.blob)
        all += Self.length(secret.count)
        all += secret

        var text = Self.header + "\n"
        var rest = Substring(Base64.encode(all))
        while !rest.isEmpty {
            text += rest.prefix(70) + "\n"
            rest = rest.dropFirst(70)
        }
        return text + Self.footer + "\n"
    }

    /// Reads a file as `fileContents` and `ssh-keygen -t ed25519 -N ''` write it.
    ///
    /// - Throws: `KeyError`: `encrypted` for a key with a passphrase, `unsupportedType` for one that is not Ed25519,
    ///   `malformed` otherwise.
    package convenience init(fileContents: [UInt8]) throws(KeyError) {
        var bytes = try Self.unarmored(fileContents)
        defer { Cryptography.clear(&bytes) }
        let found: (seed: ArraySlice<UInt8>, comment: String)
        do {
            found = try Self.secret(in: bytes)
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the private key's file is cut off or damaged")
        }
        var seed = Array(found.seed)
        defer { Cryptography.clear(&seed) }
        try self.init(seed: seed[...], comment: found.comment)
    }

    /// The public key that a private key's file names in clear, of any accepted kind.
    ///
    /// - Throws: `KeyError` for a file that is not OpenSSH's, and for a kind that is not accepted.
    package static func publicKey(inFileContents contents: [UInt8]) throws(KeyError) -> PublicKey {
        var bytes = try unarmored(contents)
        defer { Cryptography.clear(&bytes) }
        do {
            var input = WireReader(bytes)
            _ = try input.raw(magic.count)
            for _ in 0..<3 { _ = try input.data() }
            guard try input.uint32() == 1 else { throw KeyError(.severalKeys, "the file holds several keys") }
            return try PublicKey(blob: try input.data())
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the private key's file is cut off or damaged")
        }
    }

    /// The bytes between the header and the footer.
    private static func unarmored(_ contents: [UInt8]) throws(KeyError) -> [UInt8] {
        let damaged = KeyError(.malformed, "this is not a private key file of OpenSSH")
        guard contents.count <= fileLimit else { throw damaged }
        var lines = contents.split { $0 == 0x0A || $0 == 0x0D }.map { Array($0) }
        defer {
            for index in lines.indices { Cryptography.clear(&lines[index]) }
        }
        guard lines.count >= 3, lines[0] == Array(header.utf8), lines[lines.count - 1] == Array(footer.utf8)
        else { throw damaged }
        let text = String(decoding: lines.dropFirst().dropLast().joined(), as: UTF8.self)
        guard let bytes = Base64.decode(text), bytes.starts(with: magic) else { throw damaged }
        return bytes
    }

    /// Finds the seed, which stays a part of `bytes`, and the comment.
    private static func secret(in bytes: [UInt8]) throws -> (seed: ArraySlice<UInt8>, comment: String) {
        let damaged = KeyError(.malformed, "the private key's file is damaged: its parts do not match")
        var input = WireReader(bytes)
        _ = try input.raw(magic.count)
        let cipher = try input.string()
        guard cipher == "none", try input.string() == "none", try input.data().isEmpty else {
            throw KeyError(.encrypted, "the private key has a passphrase; it must have none")
        }
        guard try input.uint32() == 1 else { throw KeyError(.severalKeys, "the file holds several keys") }
        let publicKey = try PublicKey(blob: try input.data())
        guard publicKey.type == .ed25519 else {
            throw KeyError(
                .unsupportedType, "the private key is \(publicKey.type.rawValue), ssh-ed25519 is needed")
        }
        guard Int(try input.uint32()) == input.remaining, input.remaining.isMultiple(of: blockSize) else {
            throw damaged
        }
        guard try input.uint32() == input.uint32(), try input.string() == KeyType.ed25519.rawValue else {
            throw damaged
        }
        let point = try input.data()
        guard point == Array(publicKey.blob.suffix(32)), try input.uint32() == 64 else { throw damaged }
        let seed = try input.raw(32)
        guard try input.raw(32).elementsEqual(point) else { throw damaged }
        let comment = try input.string()
        var padding: UInt8 = 1
        while input.remaining > 0 {
            guard padding < blockSize, try input.byte() == padding else { throw damaged }
            padding += 1
        }
        let derived = try PrivateKey(seed: seed, comment: "").publicKey
        guard derived.blob == publicKey.blob else { throw damaged }
        return (seed, comment)
    }

    private static func length(_ count: Int) -> [UInt8] {
        var out = WireWriter()
        out.uint32(UInt32(count))
        return out.bytes
    }

    private static func field(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var out = WireWriter()
        out.data(bytes)
        return out.bytes
    }
}
