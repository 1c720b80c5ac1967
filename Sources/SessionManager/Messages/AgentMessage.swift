internal import COpenSSL
internal import Support

/// One message of a data channel: a header of 116 bytes, a length, the payload; all numbers big-endian.
///
/// The format is that of `agent/session/contracts/agentmessage.go` in amazon-ssm-agent.
struct AgentMessage: Equatable, Sendable {
    /// What the message is for; the peer may send kinds that are not listed here.
    struct Kind: RawRepresentable, Equatable, Sendable {
        let rawValue: String

        /// From us to the agent.
        static let input = Kind(rawValue: "input_stream_data")
        /// From the agent to us.
        static let output = Kind(rawValue: "output_stream_data")
        static let acknowledge = Kind(rawValue: "acknowledge")
        static let channelClosed = Kind(rawValue: "channel_closed")
        static let startPublication = Kind(rawValue: "start_publication")
        static let pausePublication = Kind(rawValue: "pause_publication")
    }

    /// What the payload of a stream message is.
    enum PayloadType: UInt32, Sendable {
        case none = 0
        case output = 1
        case handshakeRequest = 5
        case handshakeResponse = 6
        case handshakeComplete = 7
        case challengeRequest = 8
        case challengeResponse = 9
        case flag = 10
    }

    static let headerByteCount = 116
    private static let kindByteCount = 32
    private static let digestByteCount = 32

    var kind: Kind
    /// Milliseconds since the epoch; never 0.
    var created: UInt64
    var sequence: Int64 = 0
    /// Bit 0: first message of a stream, bit 1: last.
    var flags: UInt64 = 0
    var id: MessageID
    /// A `PayloadType`, or one that is not known here.
    var payloadType: UInt32 = 0
    var payload: [UInt8]
}

extension AgentMessage {
    /// The message as it goes over the wire.
    func encoded() -> [UInt8] {
        var writer = WireWriter()
        writer.uint32(UInt32(Self.headerByteCount))
        let name = Array(kind.rawValue.utf8.prefix(Self.kindByteCount))
        writer.raw(name)
        writer.raw([UInt8](repeating: UInt8(ascii: " "), count: Self.kindByteCount - name.count))
        writer.uint32(1)
        writer.uint64(created)
        writer.uint64(UInt64(bitPattern: sequence))
        writer.uint64(flags)
        // The low half stands first.
        writer.uint64(id.low)
        writer.uint64(id.high)
        writer.raw(Self.digest(of: payload))
        writer.uint32(payloadType)
        writer.uint32(UInt32(payload.count))
        writer.raw(payload)
        return writer.bytes
    }

    /// Reads a message; every length and the digest are checked.
    ///
    /// - Throws: `ChannelError` with code `malformedMessage`.
    init(decoding bytes: [UInt8]) throws(ChannelError) {
        do throws(WireError) {
            var reader = WireReader(bytes)
            let headerByteCount = Int(try reader.uint32())
            let name = try reader.raw(Self.kindByteCount)
            _ = try reader.uint32()
            created = try reader.uint64()
            sequence = Int64(bitPattern: try reader.uint64())
            flags = try reader.uint64()
            let low = try reader.uint64()
            id = MessageID(high: try reader.uint64(), low: low)
            let digest = try reader.raw(Self.digestByteCount)
            payloadType = try reader.uint32()
            // A longer header than ours has fields that are not known yet.
            guard headerByteCount >= Self.headerByteCount else {
                throw WireError("a header of \(headerByteCount) bytes is too short")
            }
            _ = try reader.raw(headerByteCount - Self.headerByteCount)
            let length = Int(try reader.uint32())
            payload = Array(try reader.raw(length))
            try reader.finish()
            kind = Kind(rawValue: try Self.text(name))
            let isBare = kind == .startPublication || kind == .pausePublication
            guard isBare || created != 0 else { throw WireError("it has no date") }
            guard isBare || payload.isEmpty || Self.digest(of: payload) == Array(digest) else {
                throw WireError("its digest is wrong")
            }
        } catch {
            throw ChannelError(.malformedMessage, "a message of the data channel cannot be read: \(error)")
        }
    }

    /// The name of a kind: ASCII, filled up with blanks or zeros.
    private static func text(_ field: ArraySlice<UInt8>) throws(WireError) -> String {
        let end = field.lastIndex { $0 != 0x20 && $0 != 0 }
        guard let end, field[...end].allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw WireError("its kind is no name")
        }
        return String(decoding: field[...end], as: UTF8.self)
    }

    private static func digest(of payload: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: digestByteCount)
        unsafe SHA256(payload, payload.count, &digest)
        return digest
    }
}
