import FileEvents
import Ownership
import Testing

@Suite("Packed directories")
struct PackedDirectoryTests {
    private let packer = DirectoryPacker(digest: Digest64(key: 42))

    private func entries(_ count: Int, seed: UInt64) -> [FileEntry] {
        var random = SeededGenerator(seed: seed)
        var names: Set<[UInt8]> = []
        while names.count < count { names.insert(randomName(&random)) }
        return names.map { FileEntry(name: $0, stat: randomStat(&random)) }
    }

    @Test("keep every entry as it was", arguments: [0, 1, 2, 100, 3_000])
    func roundTrip(_ count: Int) throws {
        for seed in 0..<(count > 1_000 ? 3 : 40) {
            let list = entries(count, seed: UInt64(seed))
            let packed = packer.pack(list, stat: directoryStat(7), time: 0)
            let read = try packed.parts.flatMap { try PackedPartReader.entries($0.bytes) }
            #expect(read == list.map(kept).sorted { precedes($0.name, $1.name) })
            #expect(packed.entryCount == count)
        }
    }

    @Test("sum up what each owner has")
    func shares() {
        let list = entries(500, seed: 9)
        let packed = packer.pack(list, stat: directoryStat(7), time: 0)
        for share in packed.shares {
            let mine = list.filter { $0.stat.uid == share.uid && $0.stat.gid == share.gid }
            let files = mine.filter { !$0.stat.isDirectory }
            #expect(share.files == files.count)
            #expect(share.directories == mine.count - files.count)
            #expect(share.bytes == files.reduce(Int64(0)) { $0 &+ Int64(clamping: $1.stat.size) })
            #expect(share.oldest == files.map(\.stat.modified).min() ?? .max)
            #expect(share.newest == files.map(\.stat.modified).max() ?? .min)
        }
        #expect(packed.shares.reduce(0) { $0 + $1.files + $1.directories } == list.count)
    }

    @Test("have another digest after any change")
    func digest() {
        let list = entries(50, seed: 3)
        let first = packer.pack(list, stat: directoryStat(7), time: 0).digest
        #expect(packer.pack(list.reversed(), stat: directoryStat(7), time: 99).digest == first)
        #expect(packer.pack(list, stat: directoryStat(7, uid: 3), time: 0).digest != first)
        for index in list.indices {
            var other = list
            other[index].stat.uid ^= 1
            #expect(packer.pack(other, stat: directoryStat(7), time: 0).digest != first)
        }
        #expect(
            DirectoryPacker(digest: Digest64(key: 43)).pack(list, stat: directoryStat(7), time: 0).digest
                != first)
    }

    @Test("of very many entries are split, and a new entry changes one part")
    func split() throws {
        let list = (0..<60_000).map { entry("file-\($0)", fileStat(UInt64($0))) }
        let before = packer.pack(list, stat: directoryStat(7, modified: 1), time: 0)
        #expect(before.parts.count > 10)
        #expect(before.parts.allSatisfy { $0.entryCount <= 8_192 })
        let more = list + [entry("file-30000x", fileStat(99))]
        let after = packer.pack(more, stat: directoryStat(7, modified: 2_000_000_000), time: 0)
        let changed = after.parts.filter { part in !before.parts.contains(part) }
        #expect(changed.count == 1)
        #expect(try after.parts.flatMap { try PackedPartReader.entries($0.bytes) }.count == 60_001)
    }

    @Test("that are damaged are refused or read as something else, and never end the program")
    func mutations() throws {
        var random = SeededGenerator(seed: 1)
        let packed = packer.pack(entries(60, seed: 5), stat: directoryStat(7), time: 0)
        let original = try #require(packed.parts.first).bytes
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 2: bytes.removeSubrange(index...)
                default: bytes.insert(255, at: index)
                }
                if bytes.isEmpty { break }
            }
            do { _ = try PackedPartReader.entries(bytes) } catch { refused += 1 }
        }
        #expect(refused > 1_000)
        for count in 1..<original.count {
            _ = try? PackedPartReader.entries(Array(original[..<count]))
        }
    }
}
