import FileEvents
import SSHKeys
import Testing

/// The signature stops strangers, not a host that was taken over: its key signs whatever it is given.
@Suite("Segments that a hostile host has signed")
struct MutationTests {
    private let key: PrivateKey

    init() throws {
        key = try PrivateKey.generate()
    }

    /// One to four bytes replaced, removed or repeated.
    private static func damage(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let index = bytes.indices.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(contentsOf: bytes[index..<min(index + 16, bytes.count)], at: index)
            case 3: bytes[index] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            default: bytes.removeSubrange(index...)
            }
        }
    }

    @Test("are read or refused within their limits, and never end the process", arguments: 0..<400)
    func damagedColumns(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var encoder = FrameEncoder()
        var decoder = FrameDecoder()
        for _ in 0..<3 {
            for record in Samples.records(&generator, count: 30) { encoder.append(record) }
            let count = encoder.recordCount
            var contents = encoder.takeFrame()
            Self.damage(&contents, &generator)
            do {
                _ = try decoder.decode(contents, recordCount: count)
            } catch {
                #expect(error.code == .malformed || error.code == .tooLarge)
            }
        }
    }

    @Test("that unpack to more than they say are refused")
    func bomb() throws {
        var writer = SegmentWriter(Samples.header())
        for _ in 0..<500 {
            writer.append(.coverage(Coverage(tree: Samples.tree, extent: .none, fileSystem: "", time: 0)))
        }
        let whole = try writer.start + Self.claiming(600, writer.takeFrame())
        let recovery = try SegmentRecovery(whole)
        #expect(recovery.wholeCount == whole.count)
        var reader = try SegmentReader(whole + recovery.finish(key).bytes, signedBy: key.publicKey)
        #expect(code { _ = try reader.next() } == .malformed)
    }

    @Test("with a frame that claims too much are cut before it; a file that is too long is refused")
    func tooLong() throws {
        var writer = SegmentWriter(Samples.header())
        writer.append(.gap(Gap(tree: nil, from: 0, until: 0, reason: .reboot)))
        let frame = try writer.takeFrame()
        let whole = writer.start + Self.claiming(SegmentLimits.frame + 1, frame)
        #expect(try SegmentRecovery(whole).wholeCount == writer.start.count)
        let file = [UInt8](repeating: 0, count: SegmentLimits.fileSize + 1)
        #expect(code { _ = try SegmentReader(file, signedBy: key.publicKey) } == .tooLarge)
    }

    @Test("that share long paths over and over are refused before they cost memory")
    func definitionBomb() {
        // A tree, a directory of 32,768 bytes, and many that share all of them.
        var definitions: [UInt8] = [1, 1, 0x2F, 2, 0, 0, 0x80, 0x80, 2]
        definitions += [UInt8](repeating: 0x61, count: 32_768)
        for _ in 0..<100_000 { definitions += [2, 0, 0x80, 0x80, 2, 0] }
        let length = definitions.count
        let prefix = [0x80 | UInt8(length & 0x7F), 0x80 | UInt8(length >> 7 & 0x7F), UInt8(length >> 14)]
        let contents = prefix + definitions + [UInt8](repeating: 0, count: 20)
        var decoder = FrameDecoder()
        #expect(code { _ = try decoder.decode(contents, recordCount: 0) } == .tooLarge)
    }

    /// A frame that says another length of its contents, with the checksum that belongs to it.
    private static func claiming(_ length: Int, _ frame: [UInt8]) -> [UInt8] {
        var frame = frame
        for index in 0..<4 { frame[5 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
        var sum: UInt32 = ~0
        for byte in frame[..<13] + frame[17...] {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
        }
        for index in 0..<4 { frame[13 + index] = UInt8(truncatingIfNeeded: ~sum >> UInt32(24 - 8 * index)) }
        return frame
    }
}
