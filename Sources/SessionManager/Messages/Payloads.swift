internal import AWS

/// The payloads that are JSON; the names of fields begin with a capital there.
enum Payloads {
    struct Hello: Encodable {
        let messageSchemaVersion = "1.0"
        let requestId: String
        let tokenValue: String
        let clientId: String
        let clientVersion = Payloads.clientVersion
    }

    struct Acknowledgement: Codable, Equatable {
        let acknowledgedMessageType: String
        let acknowledgedMessageId: String
        let acknowledgedMessageSequenceNumber: Int64
        let isSequentialMessage: Bool
    }

    struct HandshakeRequest: Decodable {
        struct Action: Decodable {
            struct Parameters: Decodable {
                let sessionType: String?
                let keyID: String?
                let challenge: String?

                enum CodingKeys: String, CodingKey {
                    case sessionType, challenge
                    case keyID = "kMSKeyId"
                }
            }
            let actionType: String
            let actionParameters: Parameters?
        }
        let requestedClientActions: [Action]
    }

    struct HandshakeResponse: Encodable {
        struct Result: Encodable {
            let sealedKey: String
            let challengeAcknowledgement: Bool?

            enum CodingKeys: String, CodingKey {
                case challengeAcknowledgement
                case sealedKey = "kMSCipherTextKey"
            }
        }
        struct Action: Encodable {
            let actionType: String
            /// 1 done, 2 failed, 3 not supported.
            let actionStatus: Int
            let actionResult: Result?
            let error: String
        }
        let clientVersion = Payloads.clientVersion
        let processedClientActions: [Action]
        let errors: [String]
    }

    struct Challenge: Codable {
        let challenge: String
    }

    struct ChannelClosed: Decodable {
        let output: String?
    }

    /// What the agent decides by: an official client of this version does the same on a port session.
    static let clientVersion = "1.2.650.0"

    /// - Throws: `ChannelError` with code `malformedMessage`.
    static func encode(_ value: some Encodable) throws(ChannelError) -> [UInt8] {
        do throws(AWSError) {
            return try AWSJSON.encode(value)
        } catch {
            throw ChannelError(.malformedMessage, "a message cannot be written as JSON")
        }
    }

    /// - Throws: `ChannelError` with code `malformedMessage`, without the peer's words.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(ChannelError)
        -> Value
    {
        do throws(AWSError) {
            return try AWSJSON.decode(type, from: bytes)
        } catch {
            throw ChannelError(
                .malformedMessage, "a message of the data channel is not the JSON it should be")
        }
    }
}
