import Collector
import Testing

/// Messages as the kernel makes them.
enum Message {
    static func number<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    }

    static func handle(_ bytes: [UInt8]) -> [UInt8] {
        number(UInt64(77)) + number(UInt32(bytes.count)) + number(Int32(1)) + bytes
    }

    static func info(_ type: UInt8, _ contents: [UInt8]) -> [UInt8] {
        let padding = (4 - contents.count % 4) % 4
        return [type, 0] + number(UInt16(4 + contents.count + padding)) + contents
            + [UInt8](repeating: 0, count: padding)
    }

    static func event(_ mask: UInt64, pid: Int32 = 42, descriptor: Int32 = -1, _ infos: [[UInt8]] = [])
        -> [UInt8]
    {
        let rest = infos.flatMap { $0 }
        return number(UInt32(24 + rest.count)) + [3, 0] + number(UInt16(24)) + number(mask)
            + number(descriptor)
            + number(pid) + rest
    }

    static func process(_ what: UInt32, _ fields: [UInt32]) -> [UInt8] {
        let event =
            number(what) + number(UInt32(0)) + number(UInt64(5)) + fields.flatMap { number($0) }
            + [UInt8](repeating: 0, count: 24 - 4 * fields.count)
        let content =
            number(UInt32(1)) + number(UInt32(1)) + number(UInt64(9)) + number(UInt16(event.count))
            + number(UInt16(0)) + event
        return number(UInt32(16 + content.count)) + number(UInt16(3)) + number(UInt16(0)) + number(UInt64(0))
            + content
    }

    static let files =
        event(0x100, [info(2, handle([1, 2, 3]) + Array("name".utf8) + [0]), info(1, handle([9]))])
        + event(
            0x1000_0000,
            [
                info(10, handle([1]) + Array("old".utf8) + [0]),
                info(12, handle([2]) + Array("new".utf8) + [0]),
                info(99, [1, 2, 3]),
            ])
        + event(0x4000, pid: 0) + event(0x8, descriptor: 12) + event(0x4000_0004, [info(3, handle([5]))])

    static let processes =
        process(1, [10, 10, 11, 11]) + process(1, [10, 10, 12, 11]) + process(2, [11, 11])
        + process(4, [11, 11, 1000, 1001]) + process(0x80, [11, 11]) + process(0x8000_0000, [11, 11, 0, 17])
        + process(0x8000_0000, [12, 11, 0, 17]) + process(0x200, [11, 11]) + process(0, [0])
}

@Suite("Messages of the kernel")
struct NoticeTests {
    @Test("of file events are taken apart")
    func files() {
        var notices: [FileNotice] = []
        #expect(FileNotice.decode(Message.files, count: Message.files.count, into: &notices))
        func handle(_ bytes: [UInt8]) -> FileHandle { FileHandle(fileSystem: 77, type: 1, bytes: bytes) }
        #expect(
            notices == [
                FileNotice(
                    mask: 0x100, pid: 42,
                    place: .init(directory: handle([1, 2, 3]), name: Array("name".utf8)),
                    target: handle([9])),
                FileNotice(
                    mask: 0x1000_0000, pid: 42, place: .init(directory: handle([1]), name: Array("old".utf8)),
                    newPlace: .init(directory: handle([2]), name: Array("new".utf8))),
                FileNotice(mask: 0x4000, pid: 0), FileNotice(mask: 0x8, pid: 42, descriptor: 12),
                FileNotice(
                    mask: 0x4000_0004, pid: 42, place: .init(directory: handle([5]), name: Array(".".utf8))),
            ])
    }

    @Test("of processes are taken apart; threads are left out")
    func processes() {
        var notices: [ProcessNotice] = []
        ProcessNotice.decode(Message.processes, count: Message.processes.count, into: &notices)
        #expect(
            notices == [
                .forked(parent: 10, child: 11), .executed(11), .changedUser(11, uid: 1001), .beganSession(11),
                .ended(11), .acknowledged(0),
            ])
    }

    @Test("with damage anywhere are read or left, and never end the process")
    func damage() {
        var generator = SystemRandomNumberGenerator()
        for original in [Message.files, Message.processes] {
            for _ in 0..<20_000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] =
                        [0, 1, 4, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255)].randomElement() ?? 0
                }
                let count = Int.random(in: 0...bytes.count, using: &generator)
                var (files, processes): ([FileNotice], [ProcessNotice]) = ([], [])
                _ = FileNotice.decode(bytes, count: count, into: &files)
                ProcessNotice.decode(bytes, count: count, into: &processes)
                #expect(files.count * 24 <= count && processes.count * 36 <= count)
            }
        }
    }

    @Test("hold handles of any length", arguments: [0, 1, 8, 9, 20, 31, 32, 33, 64, 128])
    func handles(_ length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }
        let handle = FileHandle(fileSystem: 1, type: 2, bytes: bytes)
        #expect(handle.bytes == bytes)
        #expect(handle == FileHandle(fileSystem: 1, type: 2, bytes: bytes))
        #expect(handle != FileHandle(fileSystem: 1, type: 2, bytes: bytes + [0]) || length == 128)
        let message = Message.event(0x200, [Message.info(1, Message.handle(bytes))])
        var notices: [FileNotice] = []
        #expect(FileNotice.decode(message, count: message.count, into: &notices))
        #expect(notices.map(\.target) == [FileHandle(fileSystem: 77, type: 1, bytes: bytes)])
    }
}
