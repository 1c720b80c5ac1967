import Control
import Support
import Testing

@Suite("Messages of a delivery")
struct DeliveryMessageTests {
    static let messages: [DeliveryMessage] =
        [
            .hello(version: "0.3", boot: "b"), .hello(version: "", boot: ""), .welcome,
            .segment(name: "e-1", acceptsHole: false, bytes: [1, 2, 3]),
            .segment(name: "", acceptsHole: true, bytes: []), .taken(name: "e-7"),
            .status(WatcherStatus(isWatching: false)),
            .status(
                WatcherStatus(
                    isWatching: true, since: 1, events: 2, gaps: 3, spoolBytes: 4, spoolSegments: 5,
                    trees: ["/shared/lab", "/home"])),
            .load(HostLoad(processors: 1, load: 0, memory: 0, availableMemory: 0)),
            .load(
                HostLoad(
                    processors: 8, load: 4_200, memory: 1 << 36, availableMemory: 1 << 34,
                    services: [.init(uid: 20_001, name: "tmux"), .init(uid: 20_002, name: "")])),
            .rescan(tree: "/shared/lab", isWhole: true), .rescan(tree: "", isWhole: false),
        ] + DeliveryRefusal.allCases.map { .refused(name: "e-3", $0, reason: "why") }

    @Test("every message is read back, in pieces of any size", arguments: messages, [1, 3, 1_000])
    func pieces(_ message: DeliveryMessage, size: Int) throws {
        var frames = DeliveryFrames()
        var rest = (message.encoded + DeliveryMessage.welcome.encoded)[...]
        var found: [DeliveryMessage] = []
        while !rest.isEmpty {
            frames.append(rest.prefix(size))
            rest = rest.dropFirst(size)
            while let next = try frames.next() { found.append(next) }
        }
        #expect(found == [message, .welcome])
    }

    @Test("a frame that is too long is refused before it has come")
    func tooLong() {
        var frames = DeliveryFrames()
        frames.append([0xFF, 0, 0, 0])
        #expect(throws: WireError.self) { try frames.next() }
    }

    @Test("changed bytes never crash, and what is read has one form", arguments: messages)
    func mutations(_ message: DeliveryMessage) throws {
        let bytes = Array(message.encoded.dropFirst(4))
        for length in bytes.indices {
            #expect(throws: WireError.self) { try DeliveryMessage(decoding: Array(bytes.prefix(length))) }
        }
        #expect(throws: WireError.self) { try DeliveryMessage(decoding: bytes + [0]) }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            if let read = try? DeliveryMessage(decoding: changed) {
                #expect(read.encoded.count == changed.count + 4)
            }
        }
    }
}
