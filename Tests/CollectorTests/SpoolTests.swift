import Collector
import FileEvents
import Glibc
import SSHKeys
import Support
import TestSupport
import Testing

@Suite("The spool")
struct SpoolTests {
    private let folder: ScratchFolder
    private let key: PrivateKey
    private static let second: Int64 = 1_000_000

    init() throws {
        folder = try ScratchFolder()
        key = try PrivateKey.generate()
    }

    private func settings(boot: UInt8 = 1, capacity: UInt64 = 1 << 30, at path: String? = nil)
        -> SpoolSettings
    {
        SpoolSettings(
            folder: path ?? folder.path + "/deep/spool", stream: .events, host: "communal1",
            boot: [UInt8](repeating: boot, count: 16), key: key, capacity: capacity)
    }

    private static func record(_ number: Int) -> Record {
        .event(
            FileEvent(
                time: Int64(number), kind: .created, tree: Array("/t".utf8), directory: [],
                name: Array("f\(number)".utf8), actor: Actor(uid: 1)))
    }

    /// What the gateway would see: all finished segments, checked to be one chain.
    private func shipped(from path: String? = nil) throws -> [(boot: UInt8, record: SequencedRecord)] {
        let spool = path ?? folder.path + "/deep/spool"
        var all: [(UInt8, SequencedRecord)] = []
        var (hash, number) = (SegmentHeader.noPrevious, UInt64(0))
        for name in try names(in: spool) where name.hasSuffix(".segment") {
            let bytes = try Descriptor.open("\(spool)/\(name)", O_RDONLY).readAll(limit: 1 << 24)
            var reader = try SegmentReader(bytes, signedBy: key.publicKey)
            #expect(reader.header.previous == hash)
            #expect(reader.header.number == number + 1)
            (hash, number) = (reader.hash, reader.header.number)
            while let records = try reader.next() { all += records.map { (reader.header.boot[0], $0) } }
        }
        return all
    }

    private func names(in path: String) throws -> [String] {
        try Tool("/bin/ls", [path]).output.split(separator: "\n").map(String.init)
    }

    @Test("writes what it was given within a second, as one chain")
    func writes() throws {
        let spool = try Spool(settings())
        #expect(spool.lastRun == .never)
        for number in 0..<10 {
            spool.append(Self.record(number), now: Int64(number) * Self.second)
            spool.tick(now: Int64(number) * Self.second + 10)
            spool.tick(now: Int64(number + 1) * Self.second)
        }
        let all = try shipped()
        #expect(all.map(\.record.record) == (0..<10).map(Self.record))
        #expect(all.map(\.record.sequence) == Array(1...10))
        #expect(spool.counters.segments == 10)
    }

    @Test("with a backlog makes segments bigger instead of more")
    func backlog() throws {
        let spool = try Spool(settings())
        for number in 0..<100 {
            spool.append(Self.record(number), now: Int64(number) * Self.second)
            spool.tick(now: Int64(number + 1) * Self.second)
        }
        spool.close(now: 200 * Self.second)
        #expect(spool.counters.segments < 20)
        #expect(try shipped().count == 100)
    }

    @Test("makes segments at once again when a backlog was shipped")
    func shippedBacklog() throws {
        let spool = try Spool(settings())
        for number in 0..<40 {
            spool.append(Self.record(number), now: Int64(number) * Self.second)
            spool.tick(now: Int64(number + 1) * Self.second)
        }
        let count = spool.counters.segments
        let path = folder.path + "/deep/spool"
        for name in try names(in: path) where name.hasSuffix(".segment") {
            _ = unsafe unlink("\(path)/\(name)")
        }
        spool.append(Self.record(40), now: 41 * Self.second)
        spool.tick(now: 42 * Self.second)
        #expect(spool.counters.segments == count + 1)
    }

    @Test("goes on with its chain when all segments were shipped, and says that it was stopped")
    func goesOn() throws {
        let spool = try Spool(settings())
        spool.append(Self.record(0), now: 0)
        spool.close(now: 1)
        let first = try names(in: folder.path + "/deep/spool").filter { $0.hasSuffix(".segment") }
        let path = folder.path + "/deep/spool/" + (first.first ?? "")
        let bytes = try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20)
        let hash = try SegmentReader(bytes, signedBy: key.publicKey).hash
        _ = unsafe unlink(path)
        #expect(throws: SystemError.self) { _ = try Spool(settings()) }
        let reopened = try reopen(spool)
        guard case .stopped = reopened.lastRun else {
            Issue.record("\(reopened.lastRun)")
            return
        }
        reopened.append(Self.record(1), now: 2)
        reopened.close(now: 3)
        let second = try names(in: folder.path + "/deep/spool").filter { $0.hasSuffix(".segment") }
        let next = try Descriptor.open(folder.path + "/deep/spool/" + (second.first ?? ""), O_RDONLY)
        let reader = try SegmentReader(try next.readAll(limit: 1 << 20), signedBy: key.publicKey)
        #expect(reader.header.previous == hash)
        #expect(reader.header.number == 2)
        #expect(reader.header.firstSequence == 2)
    }

    /// Opens the spool in another folder with a copy of its files: what a killed writer leaves behind.
    private func reopen(_ spool: Spool, boot: UInt8 = 1) throws -> Spool {
        let copy = folder.path + "/copy"
        _ = try Tool("/bin/rm", ["-rf", copy])
        _ = try Tool("/bin/cp", ["-a", folder.path + "/deep/spool", copy])
        _ = try Tool("/bin/rm", ["-rf", folder.path + "/deep/spool"])
        _ = try Tool("/bin/cp", ["-a", copy, folder.path + "/deep/spool"])
        return try Spool(settings(boot: boot))
    }

    @Test("killed after any write goes on with whole records and an unbroken chain")
    func killed() throws {
        var spool = try Spool(settings())
        var written = 0
        for round in 0..<12 {
            let now = Int64(round) * 10 * Self.second
            for _ in 0..<round {
                spool.append(Self.record(written), now: now)
                written += 1
            }
            spool.flush(now: now)
            let again = try reopen(spool)
            guard case .killed = again.lastRun else {
                Issue.record("\(again.lastRun)")
                return
            }
            spool = again
        }
        spool.close(now: 1_000 * Self.second)
        let all = try shipped()
        #expect(all.map(\.record.record) == (0..<written).map(Self.record))
        #expect(all.map(\.record.sequence) == Array(1...UInt64(written)))
    }

    @Test("with a torn tail loses the tail only", arguments: [1, 7, 17, 40])
    func tornTail(_ cut: Int) throws {
        let spool = try Spool(settings())
        for number in 0..<3 {
            spool.append(Self.record(number), now: 0)
            spool.flush(now: 0)
        }
        let open = try names(in: folder.path + "/deep/spool").filter { $0.hasSuffix(".open") }
        let path = folder.path + "/deep/spool/" + (open.first ?? "")
        let length = try Descriptor.open(path, O_RDONLY).readAll(limit: 1 << 20).count
        _ = unsafe truncate(path, length - cut)
        let again = try reopen(spool)
        again.append(Self.record(9), now: 1)
        again.close(now: 2)
        let all = try shipped()
        #expect(all.map(\.record.record) == [0, 1, 9].map(Self.record))
        #expect(all.map(\.record.sequence) == [1, 2, 3])
    }

    @Test("counts sequences anew after a reboot, in the same chain")
    func reboot() throws {
        let spool = try Spool(settings())
        spool.append(Self.record(0), now: 0)
        spool.flush(now: 0)
        let again = try reopen(spool, boot: 2)
        guard case .rebooted = again.lastRun else {
            Issue.record("\(again.lastRun)")
            return
        }
        again.append(Self.record(1), now: 1)
        again.close(now: 2)
        let all = try shipped()
        #expect(all.map(\.boot) == [1, 2])
        #expect(all.map(\.record.sequence) == [1, 1])
    }

    @Test("at its limit counts what it drops, and says so once there is room")
    func limit() throws {
        let spool = try Spool(settings(capacity: 20_000))
        var taken = 0
        for number in 0..<20 {
            if spool.append(Self.record(number), now: Int64(number) * Self.second) { taken += 1 }
            spool.tick(now: Int64(number + 1) * Self.second)
        }
        #expect(taken < 20)
        #expect(spool.counters.dropped == UInt64(20 - taken))
        #expect(try shipped().count == taken)
        for name in try names(in: folder.path + "/deep/spool") where name.hasSuffix(".segment") {
            _ = unsafe unlink(folder.path + "/deep/spool/" + name)
        }
        spool.tick(now: 30 * Self.second)
        #expect(spool.append(Self.record(99), now: 31 * Self.second))
        spool.close(now: 32 * Self.second)
        let name = try names(in: folder.path + "/deep/spool").first { $0.hasSuffix(".segment") } ?? ""
        let bytes = try Descriptor.open(folder.path + "/deep/spool/" + name, O_RDONLY).readAll(limit: 1 << 20)
        var reader = try SegmentReader(bytes, signedBy: key.publicKey)
        let told = try reader.next() ?? []
        #expect(
            told.map(\.record) == [
                .gap(
                    Gap(
                        tree: nil, from: Int64(taken) * Self.second, until: 30 * Self.second,
                        reason: .spoolFull,
                        lost: UInt64(20 - taken))),
                Self.record(99),
            ])
        #expect(told.map(\.sequence) == [UInt64(taken + 1), UInt64(taken + 2)])
    }

    @Test("on a full disk keeps its chain, drops and counts", .enabled(if: geteuid() == 0))
    func fullDisk() throws {
        let disk = folder.path + "/disk"
        _ = unsafe mkdir(disk, 0o700)
        try #require(try Tool("/bin/mount", ["-t", "tmpfs", "-o", "size=64k", "none", disk]).status == 0)
        defer { _ = try? Tool("/bin/umount", ["-l", disk]) }
        let spool = try Spool(settings(at: disk + "/spool"))
        var generator = SystemRandomNumberGenerator()
        var (number, taken) = (0, [Record]())
        func fill(_ count: Int) {
            for _ in 0..<count {
                let name = (0..<200).map { _ in UInt8.random(in: 0x30...255, using: &generator) }
                let record = Record.event(
                    FileEvent(
                        time: Int64(number), kind: .written, tree: Array("/lab".utf8), directory: [],
                        name: name,
                        actor: Actor()))
                if spool.append(record, now: Int64(number) * Self.second) { taken.append(record) }
                number += 1
                spool.tick(now: Int64(number) * Self.second)
            }
        }
        fill(300)
        #expect(spool.problem?.number == ENOSPC)
        #expect(spool.counters.dropped > 0)
        #expect(try Tool("/bin/mount", ["-o", "remount,size=16m", disk]).status == 0)
        fill(20)
        spool.close(now: 10_000 * Self.second)
        #expect(spool.problem == nil)
        let all = try shipped(from: disk + "/spool")
        let events = all.map(\.record.record).filter { if case .event = $0 { true } else { false } }
        #expect(events == taken)
        let lost = all.reduce(UInt64(0)) { sum, item in
            if case .gap(let gap) = item.record.record { sum + (gap.lost ?? 0) } else { sum }
        }
        #expect(lost == spool.counters.dropped)
        #expect(events.count + Int(lost) == number)
        #expect(all.map(\.record.sequence) == Array(1...UInt64(all.count)))
    }
}
