import Support
import TestSupport
import Testing

@testable import SessionManager

@Suite("A stream of numbered messages")
struct ReliableStreamTests {
    /// A network of which one message in `loss` does not arrive, and some arrive twice or late.
    private struct Network {
        private(set) var inFlight: [(time: Int64, bytes: [UInt8])] = []
        var generator: SeededGenerator
        let loss: Int
        let isUnordered: Bool
        private(set) var sentCount = 0

        init(seed: UInt64, loss: Int, isUnordered: Bool) {
            generator = SeededGenerator(seed: seed)
            (self.loss, self.isUnordered) = (loss, isUnordered)
        }

        mutating func send(_ bytes: [UInt8], at now: Int64) {
            sentCount += 1
            if loss > 0, Int.random(in: 0..<loss, using: &generator) == 0 { return }
            let delay: Int64 = isUnordered ? .random(in: 5...60, using: &generator) : 20
            inFlight.append((now + delay, bytes))
            if isUnordered, Int.random(in: 0..<9, using: &generator) == 0 {
                inFlight.append((now + delay + 3, bytes))
            }
        }

        mutating func arrivals(at now: Int64) -> [[UInt8]] {
            let arrived = inFlight.filter { $0.time <= now }
            inFlight.removeAll { $0.time <= now }
            return arrived.sorted { $0.time < $1.time }.map(\.bytes)
        }
    }

    @Test(
        "brings everything once and in order, whatever the network loses, repeats and mixes up",
        arguments: [(0, false), (7, false), (7, true), (2, true)], 0..<4 as Range<UInt64>)
    func delivers(_ faults: (loss: Int, isUnordered: Bool), _ seed: UInt64) throws {
        var (sender, receiver) = (ReliableStream(), ReliableStream())
        var there = Network(seed: seed, loss: faults.loss, isUnordered: faults.isUnordered)
        var back = Network(seed: seed ^ 0xFFFF, loss: faults.loss, isUnordered: faults.isUnordered)
        let count = 400
        var next = 0
        var received: [Int] = []
        var now: Int64 = 0
        while received.count < count || !sender.isFlushed {
            now += 5
            #expect(now < 600_000, "the stream hangs")
            if now >= 600_000 { return }
            while next < count, sender.hasRoom {
                there.send(sender.send(.output, Array("\(next)".utf8), at: .at(now)), at: now)
                next += 1
            }
            for bytes in there.arrivals(at: now) {
                let message = try AgentMessage(decoding: bytes)
                let (ready, isTaken) = receiver.receive(message)
                received += ready.map { Int(String(decoding: $0.payload, as: UTF8.self)) ?? -1 }
                if isTaken { back.send(try receiver.acknowledgement(of: message), at: now) }
            }
            for bytes in back.arrivals(at: now) {
                let payload = try AgentMessage(decoding: bytes).payload
                let number = try Payloads.decode(Payloads.Acknowledgement.self, from: payload)
                    .acknowledgedMessageSequenceNumber
                for lost in sender.acknowledged(number, at: .at(now)) { there.send(lost, at: now) }
            }
            if let overdue = try sender.repeatOverdue(at: .at(now)) { there.send(overdue, at: now) }
        }
        #expect(received == Array(0..<count))
        // On a perfect network nothing is sent twice.
        if faults.loss == 0 { #expect(there.sentCount == count) }
    }

    @Test("keeps a bounded number of messages under way")
    func window() {
        var stream = ReliableStream()
        for _ in 0..<ReliableStream.windowMessageCount {
            #expect(stream.hasRoom)
            _ = stream.send(.output, [1], at: .at(0))
        }
        #expect(!stream.hasRoom)
        _ = stream.acknowledged(5, at: .at(1))
        #expect(stream.hasRoom)
    }

    @Test("takes nothing that came too far before its turn")
    func early() throws {
        var stream = ReliableStream()
        var agent = Agent()
        let limit = Int64(ReliableStream.earlyMessageLimit)
        for (sequence, isTaken) in [
            (limit, true), (limit + 1, false), (.max, false), (-1, true), (.min, true),
        ] {
            let message = try AgentMessage(decoding: agent.message(.output, sequence: sequence, [1]))
            #expect(stream.receive(message).isTaken == isTaken)
        }
    }

    @Test("asks ever more rarely while nobody answers, and gives up after five minutes")
    func silence() throws {
        var stream = ReliableStream()
        _ = stream.send(.output, [1], at: .at(0))
        var repetitions = 0
        #expect(throws: ChannelError.self) {
            for second in 0..<400 {
                for part in 0..<10
                where try stream.repeatOverdue(at: .at(Int64(second * 1_000 + part * 100))) != nil {
                    repetitions += 1
                }
            }
        }
        #expect((100...200).contains(repetitions))
    }

    @Test("sends everything under way again over a new connection")
    func reconnection() {
        var stream = ReliableStream()
        let sent = (0..<5).map { stream.send(.output, [$0], at: .at(0)) }
        _ = stream.acknowledged(1, at: .at(1))
        #expect(stream.repeatAll(at: .at(2)) == [sent[0], sent[2], sent[3], sent[4]])
    }
}
