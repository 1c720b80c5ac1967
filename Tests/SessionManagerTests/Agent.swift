import Support

@testable import SessionManager

/// The agent's end of a data channel, as far as tests need it.
struct Agent {
    private var sequence: Int64 = 0
    private var random = SystemRandomNumberGenerator()

    /// A stream message of the agent.
    mutating func says(_ type: AgentMessage.PayloadType, _ payload: [UInt8]) -> [UInt8] {
        defer { sequence += 1 }
        return message(.output, sequence: sequence, type: type.rawValue, payload)
    }

    /// A message of any kind.
    mutating func message(
        _ kind: AgentMessage.Kind, sequence: Int64 = 0, type: UInt32 = 0, _ payload: [UInt8] = []
    ) -> [UInt8] {
        AgentMessage(
            kind: kind, created: 1, sequence: sequence, flags: 0, id: MessageID(using: &random),
            payloadType: type, payload: payload
        ).encoded()
    }

    /// The acknowledgement of a message of the client.
    mutating func acknowledges(_ bytes: [UInt8]) throws -> [UInt8] {
        let message = try AgentMessage(decoding: bytes)
        return self.message(
            .acknowledge,
            try Payloads.encode(
                Payloads.Acknowledgement(
                    acknowledgedMessageType: message.kind.rawValue, acknowledgedMessageId: message.id.text,
                    acknowledgedMessageSequenceNumber: message.sequence, isSequentialMessage: true)))
    }

    static let portRequest = Array(
        #"{"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"portNumber":"22"}}}]}"#
            .utf8)
    static let encryptedRequest = Array(
        #"{"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"alias/k","Challenge":"c"}},{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port"}}]}"#
            .utf8)
    static let complete = Array(#"{"HandshakeTimeToComplete":1,"CustomerMessage":""}"#.utf8)
}

extension DataChannel.Action {
    /// The stream message that is to be sent; nil for acknowledgements and other actions.
    var sentMessage: AgentMessage? {
        guard case .transmit(let bytes) = self, let message = try? AgentMessage(decoding: bytes),
            message.kind == .input
        else { return nil }
        return message
    }
}

extension MonotonicTime {
    /// A time after the start of a test.
    static func at(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }
}
