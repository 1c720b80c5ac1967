import Directory
import Inventory
import SSHKeys
import Support
import Testing

@Suite("Lists of host keys")
struct HostKeyListingTests {
    /// An Ed25519 public key that is different for each number.
    static func line(_ number: UInt8, comment: String = "root@host") -> String {
        var blob = WireWriter()
        blob.string("ssh-ed25519")
        blob.data([UInt8](repeating: number, count: 32))
        return "ssh-ed25519 \(Base64.encode(blob.bytes)) \(comment)\n"
    }

    private static let shortRSA: String = {
        var blob = WireWriter()
        blob.string("ssh-rsa")
        blob.data([1, 0, 1])
        blob.data([0] + [UInt8](repeating: 0xC5, count: 128))
        return "ssh-rsa \(Base64.encode(blob.bytes)) root@host\n"
    }()

    private func parse(_ text: String) throws -> [KeyMaterial] { try HostKeyListing.parse(Array(text.utf8)) }

    @Test("give each key once, with its fingerprint")
    func keys() throws {
        let keys = try parse(Self.line(1) + Self.line(2, comment: "") + Self.line(1, comment: "again"))
        #expect(keys.count == 2)
        #expect(keys[0].type == "ssh-ed25519" && keys[0].fingerprint.hasPrefix("SHA256:"))
        #expect(try keys[0] == parse(Self.line(1))[0])
    }

    @Test("may have keys that Gatehouse does not use")
    func unused() throws {
        #expect(try parse("ssh-dss AAAAB3NzaC1kc3M= root@host\n" + Self.shortRSA + Self.line(1)).count == 1)
        #expect(throws: HostKeyListingError.self) { try parse(Self.shortRSA) }
    }

    @Test(
        "are refused with anything else in them",
        arguments: [
            "", "\n", "cat: no such file\n", line(1) + "# a comment\n", line(1) + "hello\n",
            "\u{1B}[2J" + line(1), line(1).replacing("ssh-ed25519", with: "ssh-rsa"),
            line(1).replacing(" A", with: " \u{0}A"), "command=\"x\" " + line(1),
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n", String(line(1).dropLast(30)),
            (1...17).map { line($0) }.joined(), line(1, comment: String(repeating: "x", count: 70_000)),
        ])
    func refused(_ text: String) {
        #expect(throws: HostKeyListingError.self) { try parse(text) }
    }

    @Test("that are damaged are refused or give other keys, and never trap")
    func mutations() throws {
        let sound = Array((Self.line(1) + Self.line(2)).utf8)
        let known = Set(try HostKeyListing.parse(sound))
        var random = SystemRandomNumberGenerator()
        for round in 0..<5_000 {
            var bytes = sound
            for _ in 0...(round % 4) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch round % 3 {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(.random(in: 0...255, using: &random), at: place)
                }
            }
            guard let keys = try? HostKeyListing.parse(bytes) else { continue }
            #expect(!keys.isEmpty && keys.count <= 16)
            #expect(keys.allSatisfy { known.contains($0) || $0.blob.count == 51 })
        }
    }
}
