import Control
import Support
import TestSupport
import Testing

@Suite("Messages of the front end")
struct FrontMessageTests {
    private static func samples() throws -> [FrontMessage] {
        let addresses = try ["192.0.2.1", "2001:db8::1", "0.0.0.0"].map { try #require(IPAddress($0)) }
        return addresses.map { .client($0, port: .max) } + [.client(addresses[0], port: 0), .welcome, .taken]
    }

    @Test("come back as they were")
    func roundTrip() throws {
        for message in try Self.samples() {
            #expect(try FrontMessage(decoding: message.encoded) == message)
        }
    }

    @Test(
        "that are none are refused",
        arguments: [
            [], [0], [4], [1, 0], [2], [2, 0, 0, 0, 4, 1, 2, 3], [2, 0, 0, 0, 4, 1, 2, 3, 4],
            [2, 0, 0, 0, 4, 1, 2, 3, 4, 0, 1, 0, 0], [2, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 22],
            [2, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 22, 0], [2, 255, 255, 255, 255, 1, 2, 3, 4, 0, 0, 0, 22],
        ] as [[UInt8]])
    func refused(_ bytes: [UInt8]) {
        #expect(throws: WireError.self) { try FrontMessage(decoding: bytes) }
    }

    @Test("that are damaged are refused or read as another one, never a trap")
    func damaged() throws {
        var generator = SeededGenerator(seed: 11)
        for message in try Self.samples() {
            for _ in 0..<2_000 {
                guard let read = try? FrontMessage(decoding: generator.damaged(message.encoded)) else {
                    continue
                }
                #expect(try FrontMessage(decoding: read.encoded) == read)
            }
        }
    }
}
