import Control
import Glibc
import Recording
import Support
import TestSupport
import Testing

@Suite("The recorder")
struct RecorderTests {
    /// A recorder on a thread of its own, and its file.
    private final class Bench: Sendable {
        let folder: TemporaryFolder
        let socket: Descriptor
        let status: Awaited<Int32?>
        let freeSpace = Locked<UInt64>(.max)

        init(limit: UInt64 = 1 << 30, path: String? = nil) throws {
            folder = try TemporaryFolder()
            let (ours, theirs) = try StreamSocket.pair()
            socket = ours
            let status = Awaited<Int32?>(nil)
            self.status = status
            let file = try Descriptor.open(
                path ?? "\(folder.path)/r", O_CREAT | O_WRONLY | (path == nil ? O_EXCL : 0))
            try Thread.start("recorder") { [freeSpace] in
                let result = Recorder.run(
                    socket: theirs, file: file, freeSpace: { freeSpace.withLock { $0 } })
                status.change { $0 = result }
            }
            try send(.start(header: Array("{}".utf8), limit: limit), at: 0)
        }

        func send(_ message: RecordingMessage, at time: UInt64) throws {
            var bytes: [UInt8] = []
            message.append(to: &bytes, at: time)
            while !bytes.isEmpty {
                // A recorder that has ended is no signal to the tests.
                let count = unsafe Glibc.send(socket.number, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                try SystemError.check(count, "send")
                bytes.removeFirst(count)
            }
        }

        func word() throws -> RecorderWord? {
            var byte: [UInt8] = [0]
            return try socket.read(into: &byte) == 1 ? RecorderWord(rawValue: byte[0]) : nil
        }

        func file() throws -> Descriptor { try Descriptor.open("\(folder.path)/r", O_RDONLY) }
    }

    /// All that a recording says, as far as it goes.
    private func events(_ file: Descriptor, from offset: UInt64 = 0) throws -> [CastEvent] {
        var reader = try RecordingReader(file, from: offset)
        if offset == 0 { #expect(try reader.header() == Array("{}".utf8)) }
        var events: [CastEvent] = []
        while let event = try reader.next() { events.append(event) }
        return events
    }

    @Test("what was said is in the file, with an index of its frames")
    func whole() throws {
        let bench = try Bench()
        #expect(try bench.word() == .ready)
        var generator = SeededGenerator(seed: 1)
        let pieces = (0..<200).map { _ in
            (0..<4_096).map { _ in UInt8.random(in: 0x20...0x7E, using: &generator) }
        }
        for (index, piece) in pieces.enumerated() {
            try bench.send(.data(.output, piece), at: UInt64(index) * 1_000_000)
        }
        try bench.send(.exit("3"), at: 200_000_000)
        try bench.send(.finished, at: 200_500_000)
        shutdown(bench.socket.number, Int32(SHUT_WR))
        #expect(bench.status.wait { $0 } == 0)

        let file = try bench.file()
        let found = try events(file)
        #expect(found.filter { $0.kind == .output }.map(\.data) == pieces)
        #expect(found.last?.kind == .exit)
        let index = try #require(RecordingIndex(of: file, size: try file.size()))
        #expect(index.frames.count >= 3 && index.isComplete && index.exit == "3")
        #expect((index.outputBytes, index.lostBytes, index.duration) == (200 * 4_096, 0, 200_000_000))
        for frame in index.frames.dropFirst() {
            let first = try #require(try events(file, from: frame.offset).first)
            #expect(first.time == frame.time)
            #expect(index.offset(before: first.time) == frame.offset)
        }
    }

    @Test("what has come is in the file soon, though the recording goes on")
    func soon() throws {
        let bench = try Bench()
        #expect(try bench.word() == .ready)
        try bench.send(.data(.output, Array("hello".utf8)), at: 5)
        let file = try bench.file()
        var reader = try RecordingReader(file)
        #expect(try reader.header() != nil)
        let deadline = MonotonicTime.now + .seconds(60)
        var event: CastEvent?
        while event == nil, MonotonicTime.now < deadline {
            event = try reader.next()
            usleep(5_000)
        }
        #expect(event?.data == Array("hello".utf8))
        #expect(RecordingIndex(of: file, size: try file.size()) == nil)
    }

    @Test("a recording that was cut off anywhere is read as far as it goes")
    func cutOff() throws {
        let bench = try Bench()
        for index in 0..<40 {
            try bench.send(.data(.output, Array("line \(index)\n".utf8)), at: UInt64(index) * 1_000_000)
        }
        shutdown(bench.socket.number, Int32(SHUT_WR))
        #expect(bench.status.wait { $0 } == 0)
        let whole = try bench.file().readAll(limit: 1 << 20)
        for count in 0..<whole.count {
            let path = "\(bench.folder.path)/cut-\(count % 2)"
            _ = unsafe unlink(path)
            try Descriptor.open(path, O_CREAT | O_WRONLY).writeAll(whole[..<count])
            let file = try Descriptor.open(path, O_RDONLY)
            var reader = try RecordingReader(file)
            var times: [UInt64] = []
            if try reader.header() != nil {
                while let event = try reader.next() { times.append(event.time) }
            }
            #expect(times == (0..<UInt64(times.count)).map { $0 * 1_000_000 })
            #expect(RecordingIndex(of: file, size: try file.size()) == nil)
        }
    }

    @Test("a damaged recording, header or index never does harm")
    func damage() throws {
        let bench = try Bench()
        for index in 0..<20 {
            try bench.send(.data(.output, Array("a\(index)é\u{1B}[m".utf8)), at: UInt64(index))
        }
        try bench.send(.finished, at: 30)
        shutdown(bench.socket.number, Int32(SHUT_WR))
        #expect(bench.status.wait { $0 } == 0)
        let whole = try bench.file().readAll(limit: 1 << 20)
        var generator = SeededGenerator(seed: 77)
        let path = "\(bench.folder.path)/damaged"
        for _ in 0..<3_000 {
            _ = unsafe unlink(path)
            try Descriptor.open(path, O_CREAT | O_WRONLY).writeAll(generator.damaged(whole))
            let file = try Descriptor.open(path, O_RDONLY)
            _ = RecordingIndex(of: file, size: try file.size())
            guard var reader = try? RecordingReader(file) else { continue }
            _ = try? reader.header()
            while let event = try? reader.next() { _ = event }
        }
        let line = Array(#"[12.345678, "o", "a\u00e9\ud83c\udf89\n\\"]"#.utf8)
        #expect(try CastEvent(line: line[...]).data == Array("aé🎉\n\\".utf8))
        // Found by fuzzing: what is no UTF-8 is no text of a recording.
        let broken = Array(#"[3.0, "r", ""#.utf8) + [0xFF, 0x38] + Array(#""]"#.utf8)
        #expect(throws: RecordingError.self) { try CastEvent(line: broken[...]) }
        for _ in 0..<20_000 { _ = try? CastEvent(line: generator.damaged(line)[...]) }
    }

    @Test("at its limit a recording ends, says so inside, and tells the session")
    func limit() throws {
        let bench = try Bench(limit: 100_000)
        #expect(try bench.word() == .ready)
        var generator = SeededGenerator(seed: 3)
        for index in 0..<100 {
            let piece = (0..<8_192).map { _ in UInt8.random(in: 0x20...0x7E, using: &generator) }
            guard (try? bench.send(.data(.output, piece), at: UInt64(index))) != nil else { break }
        }
        #expect(bench.status.wait { $0 } == 0)
        #expect(try bench.word() == .full)
        let file = try bench.file()
        #expect(try file.size() < 400_000)
        let last = try #require(try events(file).last)
        #expect(String(decoding: last.data, as: UTF8.self).contains("limit"))
        #expect(try #require(RecordingIndex(of: file, size: try file.size())).isComplete == false)
    }

    @Test("a recording leaves events their room: it ends when the disk is nearly full, says so, and is whole")
    func reserve() throws {
        let bench = try Bench()
        #expect(try bench.word() == .ready)
        try bench.send(.data(.output, Array("before".utf8)), at: 5)
        var reader = try RecordingReader(try bench.file())
        let deadline = MonotonicTime.now + .seconds(60)
        _ = try reader.header()
        while try reader.next() == nil, MonotonicTime.now < deadline { usleep(5_000) }
        bench.freeSpace.withLock { $0 = Recorder.reserve - 1 }
        try bench.send(.data(.output, Array("after".utf8)), at: 6)
        #expect(bench.status.wait { $0 } == 0)
        #expect(try bench.word() == .noRoom)
        let file = try bench.file()
        let found = try events(file)
        #expect(found.dropLast().map(\.data) == ["before", "after"].map { Array($0.utf8) })
        #expect(found.last?.kind == .marker)
        #expect(try #require(RecordingIndex(of: file, size: try file.size())).isComplete == false)
    }

    @Test("a disk that takes nothing is told, before a program runs")
    func fullDisk() throws {
        let bench = try Bench(path: "/dev/full")
        #expect(try bench.word() == .failed)
        #expect(bench.status.wait { $0 } == 74)
    }

    @Test("the name of a signal is cut between characters, and a count that is a lie does no harm")
    func words() throws {
        let bench = try Bench()
        #expect(try bench.word() == .ready)
        try bench.send(.lost(.max), at: 1)
        try bench.send(.lost(2), at: 1)
        try bench.send(.exit("SIG" + String(repeating: "é", count: 300)), at: 2)
        try bench.send(.finished, at: 3)
        shutdown(bench.socket.number, Int32(SHUT_WR))
        #expect(bench.status.wait { $0 } == 0)
        let file = try bench.file()
        let index = try #require(RecordingIndex(of: file, size: try file.size()))
        #expect(index.exit == "SIG" + String(repeating: "é", count: 126))
        #expect(index.isComplete && index.lostBytes == .max)
    }

    @Test("a second beginning ends the recording: nobody but the daemon begins one")
    func secondStart() throws {
        let bench = try Bench()
        #expect(try bench.word() == .ready)
        try bench.send(.start(header: Array("{\"forged\": 1}".utf8), limit: 1), at: 0)
        #expect(try bench.word() == .failed)
        #expect(bench.status.wait { $0 } == 74)
    }
}
