/// Cuts what a WebSocket server sends into messages (RFC 6455 section 5); every length is checked and bounded.
package struct WebSocketReader {
    /// What a server says.
    package enum Event: Equatable {
        case text([UInt8])
        case binary([UInt8])
        case ping([UInt8])
        case pong
        /// The server closes; the code is 1005 when it gives none.
        case close(code: UInt16, reason: String)
    }

    /// A message may be longer than any that Session Manager sends, but not without end.
    static let messageByteLimit = 1 << 20
    private static let controlByteLimit = 125

    private struct Frame {
        let isFinal: Bool
        let opcode: WebSocketOpcode
        let payload: [UInt8]
    }

    private var buffer: [UInt8] = []
    private var offset = 0
    private var partial: [UInt8] = []
    private var partialOpcode: WebSocketOpcode?

    package init() {}

    /// Takes bytes as they came, in any pieces.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if offset > 0 {
            buffer.removeFirst(offset)
            offset = 0
        }
        buffer += bytes
    }

    /// The next message; nil: more bytes are needed.
    ///
    /// - Throws: `ChannelError` with code `malformedMessage`; the connection is of no use then.
    package mutating func next() throws(ChannelError) -> Event? {
        while let frame = try nextFrame() {
            switch frame.opcode {
            case .ping: return .ping(frame.payload)
            case .pong: return .pong
            case .close: return Self.close(frame.payload)
            case .text, .binary:
                guard partialOpcode == nil else { throw Self.malformed("a message begins within another") }
                if frame.isFinal { return Self.message(frame.opcode, frame.payload) }
                partialOpcode = frame.opcode
                partial = frame.payload
            case .continuation:
                guard let opcode = partialOpcode else {
                    throw Self.malformed("a message goes on that never began")
                }
                guard partial.count + frame.payload.count <= Self.messageByteLimit else {
                    throw Self.malformed("a message is too long")
                }
                partial += frame.payload
                guard frame.isFinal else { continue }
                defer { (partial, partialOpcode) = ([], nil) }
                return Self.message(opcode, partial)
            }
        }
        return nil
    }

    private mutating func nextFrame() throws(ChannelError) -> Frame? {
        let available = buffer.count - offset
        guard available >= 2 else { return nil }
        let (first, second) = (buffer[offset], buffer[offset + 1])
        guard first & 0x70 == 0, let opcode = WebSocketOpcode(rawValue: first & 0x0F) else {
            throw Self.malformed("a frame of an unknown kind")
        }
        guard second & 0x80 == 0 else { throw Self.malformed("a server's frame is masked") }
        let isFinal = first & 0x80 != 0
        var length = UInt64(second & 0x7F)
        var headerByteCount = 2
        if length >= 126 {
            let count = length == 126 ? 2 : 8
            headerByteCount += count
            guard available >= headerByteCount else { return nil }
            length = buffer[(offset + 2)..<(offset + 2 + count)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        if opcode.isControl {
            guard isFinal, length <= Self.controlByteLimit else {
                throw Self.malformed("a control frame is too long or in parts")
            }
        }
        guard length <= Self.messageByteLimit else { throw Self.malformed("a frame is too long") }
        guard available >= headerByteCount + Int(length) else { return nil }
        let start = offset + headerByteCount
        offset = start + Int(length)
        return Frame(isFinal: isFinal, opcode: opcode, payload: Array(buffer[start..<offset]))
    }

    private static func message(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> Event {
        opcode == .text ? .text(payload) : .binary(payload)
    }

    private static func close(_ payload: [UInt8]) -> Event {
        guard payload.count >= 2 else { return .close(code: 1005, reason: "") }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        return .close(code: code, reason: String(decoding: payload.dropFirst(2), as: UTF8.self))
    }

    private static func malformed(_ what: String) -> ChannelError {
        ChannelError(.malformedMessage, "the stream is no WebSocket: \(what)")
    }
}
