import Support
import TestSupport
import Testing

@testable import SessionManager

@Suite("A data channel")
struct DataChannelTests {
    /// A channel whose handshake is over.
    private static func opened(_ agent: inout Agent) throws -> DataChannel {
        var channel = DataChannel()
        let response = try channel.receive(agent.says(.handshakeRequest, Agent.portRequest), at: .at(0))
        let sent = try #require(response.compactMap(\.sentMessage).first)
        _ = try channel.receive(agent.acknowledges(sent.encoded()), at: .at(1))
        #expect(
            try channel.receive(agent.says(.handshakeComplete, Agent.complete), at: .at(2)).contains(.opened))
        return channel
    }

    @Test("answers the handshake, and takes bytes only after its end")
    func handshake() throws {
        var agent = Agent()
        var channel = DataChannel()
        #expect(!channel.hasRoom)
        let actions = try channel.receive(agent.says(.handshakeRequest, Agent.portRequest), at: .at(0))
        #expect(actions.count == 2)
        let response = try #require(actions.compactMap(\.sentMessage).first)
        #expect(response.payloadType == AgentMessage.PayloadType.handshakeResponse.rawValue)
        #expect(response.sequence == 0 && response.flags == 1)
        #expect(
            String(decoding: response.payload, as: UTF8.self)
                == #"{"ClientVersion":"1.2.650.0","Errors":[],"ProcessedClientActions":[{"ActionStatus":1,"ActionType":"SessionType","Error":""}]}"#
        )
        #expect(!channel.hasRoom)
        #expect(
            try channel.receive(agent.says(.handshakeComplete, Agent.complete), at: .at(1)).contains(.opened))
        #expect(channel.hasRoom)
    }

    @Test("tells the agent what it cannot do")
    func unsupported() throws {
        var agent = Agent()
        var channel = DataChannel()
        let request =
            #"{"RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Standard_Stream"}},{"ActionType":"Dance"}]}"#
        let actions = try channel.receive(agent.says(.handshakeRequest, Array(request.utf8)), at: .at(0))
        let response = try #require(actions.compactMap(\.sentMessage).first)
        let text = String(decoding: response.payload, as: UTF8.self)
        #expect(text.components(of: #""ActionStatus":3"#) == 2)
    }

    @Test("acknowledges what it has seen before, and delivers it once")
    func duplicates() throws {
        var agent = Agent()
        var channel = try Self.opened(&agent)
        let message = agent.says(.output, [1, 2])
        let first = try channel.receive(message, at: .at(3))
        #expect(first.contains(.deliver([1, 2])) && first.count == 2)
        let second = try channel.receive(message, at: .at(4))
        #expect(second.count == 1 && !second.contains(.deliver([1, 2])))
    }

    @Test("holds acknowledgements back while nobody takes what was delivered")
    func backPressure() throws {
        var agent = Agent()
        var channel = try Self.opened(&agent)
        var acknowledgements = 0
        let chunk = [UInt8](repeating: 7, count: 1_024)
        for _ in 0..<2_000 {
            for case .transmit in try channel.receive(agent.says(.output, chunk), at: .at(5)) {
                acknowledgements += 1
            }
        }
        #expect(acknowledgements == 1_024)
        #expect(channel.noteTaken(1_000).isEmpty)
        #expect(channel.noteTaken(2_000 * 1_024 - 1_000).count == 2_000 - 1_024)
    }

    @Test("sends nothing while the other end is away")
    func pause() throws {
        var agent = Agent()
        var channel = try Self.opened(&agent)
        _ = try channel.send([1], at: .at(10))
        _ = try channel.receive(agent.message(.pausePublication), at: .at(11))
        #expect(!channel.hasRoom)
        #expect(try channel.tick(at: .at(60_000)).isEmpty)
        _ = try channel.receive(agent.message(.startPublication), at: .at(60_001))
        #expect(channel.hasRoom)
        #expect(try channel.tick(at: .at(60_002)).count == 1)
    }

    @Test("tells why the service ends the session")
    func closed() throws {
        var agent = Agent()
        var channel = try Self.opened(&agent)
        let farewell = Array(#"{"MessageType":"channel_closed","Output":"Session timed out"}"#.utf8)
        #expect(
            try channel.receive(agent.message(.channelClosed, farewell), at: .at(9)) == [
                .closed("Session timed out")
            ])
        #expect(!channel.hasRoom)
    }

    @Test("asks for a data key, proves that it has it, and encrypts")
    func encryption() throws {
        var agent = Agent()
        var channel = DataChannel()
        let actions = try channel.receive(agent.says(.handshakeRequest, Agent.encryptedRequest), at: .at(0))
        #expect(actions.contains(.makeDataKey(keyID: "alias/k", challenge: "c")))
        let key = (0..<64).map { UInt8($0) }
        let answer = try channel.useDataKey(plain: key, sealed: [1, 2, 3], at: .at(1))
        let response = try #require(answer.compactMap(\.sentMessage).first)
        let text = String(decoding: response.payload, as: UTF8.self)
        #expect(text.contains(#""ActionResult":{"ChallengeAcknowledgement":true,"KMSCipherTextKey":"AQID"}"#))
        // The agent encrypts with the half that decrypts here.
        let mirrored = try ChannelCipher(dataKey: Array(key[32...] + key[..<32]))
        let challenge = try Payloads.encode(
            Payloads.Challenge(challenge: Base64.encode(try mirrored.encrypt(Array("prove it".utf8)))))
        let proof = try channel.receive(agent.says(.challengeRequest, challenge), at: .at(2))
        let sent = try #require(proof.compactMap(\.sentMessage).first)
        let sealed = try Payloads.decode(Payloads.Challenge.self, from: sent.payload).challenge
        #expect(try mirrored.decrypt(#require(Base64.decode(sealed))) == Array("prove it".utf8))
        _ = try channel.receive(agent.says(.handshakeComplete, Agent.complete), at: .at(3))
        let output = try #require(try channel.send(Array("secret".utf8), at: .at(4)).sentMessage)
        #expect(try mirrored.decrypt(output.payload) == Array("secret".utf8))
        let input = try channel.receive(agent.says(.output, mirrored.encrypt([4, 5])), at: .at(5))
        #expect(input.contains(.deliver([4, 5])))
        #expect(throws: ChannelError.self) {
            try channel.receive(agent.says(.output, Array("not encrypted at all, but long".utf8)), at: .at(6))
        }
    }

    @Test("survives whatever an agent sends", arguments: 0..<500)
    func mutation(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var agent = Agent()
        var channel = DataChannel()
        for request in [Agent.portRequest, Agent.encryptedRequest] {
            _ = try? channel.receive(agent.says(.handshakeRequest, generator.damaged(request)), at: .at(0))
        }
        _ = try? channel.useDataKey(plain: [UInt8](repeating: 1, count: 64), sealed: [1], at: .at(0))
        for type in [AgentMessage.PayloadType.challengeRequest, .handshakeComplete, .output, .flag] {
            _ = try? channel.receive(agent.says(type, generator.damaged(Agent.complete)), at: .at(1))
        }
        for kind in [AgentMessage.Kind.acknowledge, .channelClosed] {
            _ = try? channel.receive(agent.message(kind, generator.damaged(Agent.complete)), at: .at(1))
        }
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
