import Support

/// A signature of any message by a key of SSH: the format of OpenSSH's PROTOCOL.sshsig, so `ssh-keygen -Y verify` checks it too.
package struct MessageSignature: Sendable {
    private static let magic = Array("SSHSIG".utf8)
    private static let version: UInt32 = 1
    private static let hash = "sha512"

    /// No signature that is read is longer, in bytes.
    package static let byteLimit = 16 * 1024

    /// All of it, as between the lines of a signature's file.
    package let blob: [UInt8]

    /// Who has signed, as the signature says.
    package let publicKey: PublicKey

    private let namespace: String
    private let hash: String
    private let value: [UInt8]

    /// Signs a message.
    ///
    /// - Parameter namespace: what it is for; a signature counts for nothing else.
    /// - Throws: `KeyError` with code `cryptography`.
    package init(of message: [UInt8], namespace: String, by key: PrivateKey) throws(KeyError) {
        publicKey = key.publicKey
        self.namespace = namespace
        hash = Self.hash
        value = try key.sign(Self.signed(message, namespace: namespace))
        var out = WireWriter()
        out.raw(Self.magic)
        out.uint32(Self.version)
        out.data(publicKey.blob)
        out.string(namespace)
        out.data([])
        out.string(hash)
        out.data(value)
        blob = out.bytes
    }

    /// Reads a signature; whether it is right says `verifies`.
    ///
    /// - Throws: `WireError`, `KeyError`.
    package init(blob: [UInt8]) throws {
        guard blob.count <= Self.byteLimit else { throw WireError("the signature is too long") }
        var input = WireReader(blob)
        guard try Array(input.raw(Self.magic.count)) == Self.magic, try input.uint32() == Self.version else {
            throw WireError("this is not a signature of SSH")
        }
        publicKey = try PublicKey(blob: try input.data())
        namespace = try input.string()
        _ = try input.data()
        hash = try input.string()
        value = try input.data()
        try input.finish()
        self.blob = blob
    }

    /// Whether the key it names has signed this message for this purpose; SHA-512 and Ed25519 only, as made here.
    package func verifies(_ message: [UInt8], namespace: String) -> Bool {
        namespace == self.namespace && hash == Self.hash
            && publicKey.verifies(value, of: Self.signed(message, namespace: namespace))
    }

    private static func signed(_ message: [UInt8], namespace: String) -> [UInt8] {
        var out = WireWriter()
        out.raw(magic)
        out.string(namespace)
        out.data([])
        out.string(hash)
        out.data(HashFunction.sha512(message))
        return out.bytes
    }
}
