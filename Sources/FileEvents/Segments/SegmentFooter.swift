import SSHKeys
import Support

/// What stands at the end of a finished segment, and proves all before it.
package struct SegmentFooter: Hashable, Sendable {
    package var recordCount: UInt64
    /// Of the last record; one less than the first when there is none.
    package var lastSequence: UInt64
    /// SHA-256 of everything before the footer.
    package var hash: [UInt8]
    /// The signature of the host's key over `signedBytes`, as RFC 8709 writes it.
    package var signature: [UInt8]

    static let tag: UInt8 = 0x45
    /// What a footer takes, its tag and its length included: no field varies in length.
    static let length = 1 + 4 + 8 + 8 + 36 + 4 + 83

    private static let purpose = "gatehouse segment 1"

    /// What is signed.
    private static func signedBytes(_ recordCount: UInt64, _ lastSequence: UInt64, _ hash: [UInt8]) -> [UInt8]
    {
        var text = WireWriter()
        text.string(purpose)
        text.uint64(recordCount)
        text.uint64(lastSequence)
        text.data(hash)
        return text.bytes
    }

    /// Signs a segment.
    ///
    /// - Throws: `SegmentError` with code `library`.
    init(recordCount: UInt64, lastSequence: UInt64, hash: [UInt8], key: PrivateKey) throws(SegmentError) {
        self.recordCount = recordCount
        self.lastSequence = lastSequence
        self.hash = hash
        do {
            signature = try key.sign(Self.signedBytes(recordCount, lastSequence, hash))
        } catch {
            throw SegmentError(.library, "signing the segment failed: \(error)")
        }
    }

    /// The footer as it stands in the file.
    var bytes: [UInt8] {
        var body = WireWriter()
        body.uint64(recordCount)
        body.uint64(lastSequence)
        body.data(hash)
        body.data(signature)
        var all = WireWriter()
        all.byte(Self.tag)
        all.data(body.bytes)
        return all.bytes
    }

    /// Reads a footer, its tag included.
    init(bytes: [UInt8]) throws(SegmentError) {
        do {
            var all = WireReader(bytes)
            guard try all.byte() == Self.tag else { throw WireError("no footer") }
            var input = WireReader(try all.data())
            try all.finish()
            recordCount = try input.uint64()
            lastSequence = try input.uint64()
            hash = try input.data()
            signature = try input.data()
            try input.finish()
        } catch {
            throw SegmentError(.malformed, "the footer is damaged: \(error)")
        }
    }

    /// Whether the key signed this footer.
    func isSigned(by key: PublicKey) -> Bool {
        key.verifies(signature, of: Self.signedBytes(recordCount, lastSequence, hash))
    }
}
