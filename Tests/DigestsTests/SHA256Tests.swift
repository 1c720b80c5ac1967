import Digests
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    /// The example of FIPS 180-4 for three bytes.
    private static let abc: [UInt8] = [
        0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23, 0xB0,
        0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD,
    ]

    @Test("a hash is the same in pieces, and goes on after it was looked at")
    func pieces() {
        var digest = SHA256()
        digest.update(Array("a".utf8))
        #expect(digest.value() == SHA256.hash(Array("a".utf8)))
        digest.update([])
        digest.update(Array("xbcx".utf8)[1..<3])
        #expect(digest.value() == Self.abc)
        #expect(SHA256.hash(Array("abc".utf8)) == Self.abc)
    }
}
