import SSHKeys
import Support

/// Makes certificates with anything in them, also what no honest CA signs.
struct CertificateForge {
    var kind: UInt32 = 1
    var serial: UInt64 = 7
    var keyID = "alice at work"
    var principals = [Array("alice".utf8)]
    var validAfter: UInt64 = 0
    var validBefore = UInt64.max
    /// Name and data.
    var criticalOptions: [(String, [UInt8])] = []
    var extensions: [(String, [UInt8])] = []
    var nonce = [UInt8](repeating: 7, count: 32)
    /// What it calls its authority; nil: the one that signs.
    var authority: [UInt8]?

    /// An option's text as its data holds it.
    static func text(_ value: String) -> [UInt8] {
        var data = WireWriter()
        data.string(value)
        return data.bytes
    }

    func blob(for subject: PublicKey, signedBy key: PrivateKey) throws -> [UInt8] {
        var out = WireWriter()
        out.string(subject.type.certificateName)
        out.data(nonce)
        out.raw(subject.blob.dropFirst(4 + subject.type.rawValue.utf8.count))
        out.uint64(serial)
        out.uint32(kind)
        out.string(keyID)
        var list = WireWriter()
        for name in principals { list.data(name) }
        out.data(list.bytes)
        out.uint64(validAfter)
        out.uint64(validBefore)
        for options in [criticalOptions, extensions] {
            var list = WireWriter()
            for (name, data) in options {
                list.string(name)
                list.data(data)
            }
            out.data(list.bytes)
        }
        out.data([])
        out.data(authority ?? key.publicKey.blob)
        out.data(try key.sign(out.bytes))
        return out.bytes
    }
}
