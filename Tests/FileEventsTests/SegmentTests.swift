import FileEvents
import SSHKeys
import Testing

@Suite("A segment")
struct SegmentTests {
    private let key: PrivateKey

    init() throws {
        key = try PrivateKey.generate()
    }

    @Test("gives back every record with its sequence", arguments: 0..<20)
    func roundTrip(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let written = Samples.records(&generator, count: 300)
        let (bytes, hash) = try segment(written, header: Samples.header(first: 41), key: key)
        let read = try records(of: bytes, signedBy: key.publicKey)
        #expect(read.map(\.record) == written)
        #expect(read.map(\.sequence) == Array(41..<341))
        let reader = try SegmentReader(bytes, signedBy: key.publicKey)
        #expect(reader.hash == hash)
        #expect(reader.header == Samples.header(first: 41))
        #expect(reader.footer.recordCount == 300)
    }

    @Test("may be empty")
    func empty() throws {
        let (bytes, _) = try segment([], key: key)
        #expect(try records(of: bytes, signedBy: key.publicKey).isEmpty)
    }

    @Test("of another key is forged")
    func otherKey() throws {
        let (bytes, _) = try segment([], key: key)
        let other = try PrivateKey.generate().publicKey
        #expect(code { _ = try SegmentReader(bytes, signedBy: other) } == .forged)
    }

    @Test("with any bit changed is refused, and ends nothing", arguments: 0..<8)
    func changedBits(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let (bytes, _) = try segment(Samples.records(&generator, count: 20), key: key)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect(throws: SegmentError.self) { _ = try SegmentReader(damaged, signedBy: key.publicKey) }
        }
    }

    @Test("cut off anywhere is refused, and recovered to its last whole frame")
    func cutOff() throws {
        var generator = SeededGenerator(seed: 1)
        let written = Samples.records(&generator, count: 40)
        let (bytes, _) = try segment(written, key: key, frameSize: 7)
        var most: UInt64 = 0
        for count in 0..<bytes.count {
            let torn = Array(bytes[..<count])
            #expect(throws: SegmentError.self) { _ = try SegmentReader(torn, signedBy: key.publicKey) }
            guard let recovery = try? SegmentRecovery(torn) else { continue }
            #expect(recovery.recordCount >= most && recovery.wholeCount <= count)
            most = recovery.recordCount
            let (footer, hash) = try recovery.finish(key)
            let whole = Array(torn[..<recovery.wholeCount]) + footer
            #expect(try SegmentReader(whole, signedBy: key.publicKey).hash == hash)
            if count % 50 == 0 {
                let read = try records(of: whole, signedBy: key.publicKey).map(\.record)
                #expect(read == Array(written[..<Int(recovery.recordCount)]))
            }
        }
        #expect(most == 40)
    }

    @Test("takes fewer than four bytes an event for files made one after the other")
    func size() throws {
        let actor = Actor(uid: 1_000, loginUID: 1_000, auditSession: 3, pid: 77, command: Array("tar".utf8))
        var generator = SeededGenerator(seed: 3)
        var changed: Int64 = 1_790_000_000_000_000_000
        let events = (0..<20_000).map { index in
            changed += Int64.random(in: 0...1, using: &generator) * 4_000_000
            let stat = FileStat(
                inode: 100_000 + UInt64(index), mode: 0o100644, uid: 1_000, gid: 1_000, links: 1, size: 0,
                blocks: 0, modified: changed, changed: changed)
            return Record.event(
                FileEvent(
                    time: changed / 20_000_000 * 20_000, kind: .created, tree: Samples.tree, directory: [],
                    name: Array("f\(index)".utf8), stat: stat, actor: actor, count: 2))
        }
        let (bytes, _) = try segment(events, key: key, frameSize: 2_000)
        #expect(Double(bytes.count) / Double(events.count) < 4)
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func code(_ body: () throws -> Void) -> SegmentError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? SegmentError)?.code
    }
}
