internal import AWS
internal import Glibc
internal import Support

/// A WebSocket client's connection, driven by a loop that polls its descriptor. One thread uses it.
final class WebSocket {
    /// More than this waits for the socket: the loop should add nothing then.
    private static let backlogLimit = 1 << 20
    private static let handshakeLimit = Duration.seconds(10)

    private let stream: CurlStream
    private var reader = WebSocketReader()
    private var outgoing = ByteQueue()
    private var random = SystemRandomNumberGenerator()
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    /// Connects and upgrades; blocks for some seconds at the most.
    ///
    /// - Throws: `ChannelError`: `disconnected`, `rejected` when the server does not want us.
    init(_ url: StreamURL, certificateFile: String?) throws(ChannelError) {
        stream = try CurlStream(url, certificateFile: certificateFile, timeout: Self.handshakeLimit)
        var nonce: [UInt8] = []
        for _ in 0..<16 { nonce.append(random.next()) }
        let handshake = WebSocketHandshake(nonce: nonce)
        outgoing.append(handshake.request(authority: url.base.authority, target: url.target))
        try upgrade(handshake, until: .now + Self.handshakeLimit)
    }

    private func upgrade(_ handshake: WebSocketHandshake, until deadline: MonotonicTime) throws(ChannelError)
    {
        var answer: [UInt8] = []
        while true {
            try flush()
            if let count = try stream.receive(into: &buffer) {
                answer += buffer[..<count]
                guard let end = try handshake.check(answer) else { continue }
                reader.append(answer[end...])
                return
            }
            let events = Int16(POLLIN) | (hasBacklog ? Int16(POLLOUT) : 0)
            var request = pollfd(fd: descriptor, events: events, revents: 0)
            let left = (deadline - .now).milliseconds
            guard left > 0, unsafe poll(&request, 1, Int32(clamping: left)) >= 0 || errno == EINTR else {
                throw ChannelError(.disconnected, "the session's stream does not answer")
            }
        }
    }

    /// For poll(2).
    var descriptor: Int32 { stream.descriptor }

    /// Whether to poll for writing.
    var hasBacklog: Bool { !outgoing.isEmpty }

    /// Whether messages may be added.
    var hasRoom: Bool { outgoing.count < Self.backlogLimit }

    /// Adds a message to what is to be sent.
    func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        outgoing.append(WebSocketFrame.encode(opcode, payload, key: random.next()))
    }

    /// Sends what goes without waiting.
    ///
    /// - Throws: `ChannelError` with code `disconnected`.
    func flush() throws(ChannelError) {
        try outgoing.drain { bytes throws(ChannelError) in try stream.send(bytes) }
    }

    /// The next message; nil: nothing whole is there now. Pings are answered here.
    ///
    /// - Throws: `ChannelError`.
    func receive() throws(ChannelError) -> WebSocketReader.Event? {
        while true {
            while let event = try reader.next() {
                guard case .ping(let payload) = event else { return event }
                send(.pong, payload)
            }
            // Read until nothing is left: TLS may hold bytes that poll(2) does not see.
            guard let count = try stream.receive(into: &buffer) else { return nil }
            reader.append(buffer[..<count])
        }
    }
}
