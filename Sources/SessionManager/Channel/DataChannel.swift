package import Support

/// The client's end of a session's data channel, from the handshake to the end.
///
/// Pure: messages, bytes and times go in, actions come out. Follows what `session-manager-plugin` and amazon-ssm-agent do with
/// the document `AWS-StartSSHSession`: one TCP connection to a port of the instance.
package struct DataChannel {
    /// What the driver is to do, in this order.
    package enum Action: Equatable {
        /// Send this message over the WebSocket, as one binary message.
        case transmit([UInt8])
        /// The port sends these bytes.
        case deliver([UInt8])
        /// Let KMS make a data key with this key, and answer with `useDataKey`.
        case makeDataKey(keyID: String, challenge: String?)
        /// The handshake is over: bytes may flow.
        case opened
        /// The service has ended the session; its reason may be empty.
        case closed(String)
    }

    enum Phase: Equatable {
        case handshake
        /// The data key of KMS is awaited.
        case dataKey
        case challenge
        case open
        case closed
    }

    /// The most bytes of one message, as the official clients send.
    package static let chunkByteCount = 1_024
    /// The data with their acknowledgements that wait until the port's bytes have been taken.
    private static let heldByteLimit = 1 << 20

    private(set) var phase = Phase.handshake
    private var stream: ReliableStream
    private var cipher: ChannelCipher?
    private var isPaused = false
    /// Bytes that were delivered and that nobody has taken yet.
    private var undelivered = 0
    /// Acknowledgements that wait until there is room again: the agent then sends no more than its own window.
    private var held: [[UInt8]] = []
    /// What the agent asked for in a handshake that waits for the data key.
    private var requestedActions: [Payloads.HandshakeRequest.Action] = []

    package init(clock: @escaping @Sendable () -> Timestamp = { .now }) {
        stream = ReliableStream(clock: clock)
    }

    /// Whether bytes may be handed over with `send` now.
    package var hasRoom: Bool { phase == .open && stream.hasRoom && !isPaused }

    /// Whether all that was sent has arrived.
    package var isFlushed: Bool { stream.isFlushed }

    /// Takes one binary message of the WebSocket.
    ///
    /// - Throws: `ChannelError`; the session is to be ended then.
    package mutating func receive(_ bytes: [UInt8], at now: MonotonicTime) throws(ChannelError) -> [Action] {
        let message = try AgentMessage(decoding: bytes)
        switch message.kind {
        case .acknowledge:
            isPaused = false
            let payload = try Payloads.decode(Payloads.Acknowledgement.self, from: message.payload)
            return stream.acknowledged(payload.acknowledgedMessageSequenceNumber, at: now)
                .map { .transmit($0) }
        case .output:
            isPaused = false
            return try take(message, at: now)
        case .pausePublication:
            isPaused = true
            return []
        case .startPublication:
            isPaused = false
            return []
        case .channelClosed:
            phase = .closed
            let payload = try? Payloads.decode(Payloads.ChannelClosed.self, from: message.payload)
            return [.closed(payload?.output ?? "")]
        default:
            // A kind that is newer than this client.
            return []
        }
    }

    /// Sends bytes to the port, `chunkByteCount` at most; only while there is room.
    package mutating func send(_ bytes: [UInt8], at now: MonotonicTime) throws(ChannelError) -> Action {
        let payload = try cipher?.encrypt(bytes) ?? bytes
        return .transmit(stream.send(.output, payload, at: now))
    }

    /// Says that so many delivered bytes have been taken.
    package mutating func noteTaken(_ byteCount: Int) -> [Action] {
        undelivered -= byteCount
        guard undelivered < Self.heldByteLimit / 2, !held.isEmpty else { return [] }
        defer { held = [] }
        return held.map { .transmit($0) }
    }

    /// Goes on with the handshake with the data key that was asked for.
    ///
    /// - Parameters:
    ///   - plain: 64 secret bytes.
    ///   - sealed: the same, encrypted by KMS, for the agent.
    /// - Throws: `ChannelError`.
    package mutating func useDataKey(
        plain: [UInt8], sealed: [UInt8], at now: MonotonicTime
    ) throws(ChannelError) -> [Action] {
        cipher = try ChannelCipher(dataKey: plain)
        let actions = requestedActions.map { action in
            guard action.actionType == "KMSEncryption" else { return Self.answer(to: action) }
            let result = Payloads.HandshakeResponse.Result(
                sealedKey: Base64.encode(sealed),
                challengeAcknowledgement: action.actionParameters?.challenge == nil ? nil : true)
            return Payloads.HandshakeResponse.Action(
                actionType: action.actionType, actionStatus: 1, actionResult: result, error: "")
        }
        phase = .challenge
        return [try respond(actions, at: now)]
    }

    /// Asks the agent to end the session.
    package mutating func terminate(at now: MonotonicTime) -> Action {
        .transmit(stream.send(.flag, [0, 0, 0, 2], at: now))
    }

    /// Does what time brings: repeats what should have been acknowledged.
    ///
    /// - Throws: `ChannelError` with code `agentSilent`.
    package mutating func tick(at now: MonotonicTime) throws(ChannelError) -> [Action] {
        guard !isPaused, let bytes = try stream.repeatOverdue(at: now) else { return [] }
        return [.transmit(bytes)]
    }

    /// When `tick` has something to do; nil: not before something happens.
    package mutating func deadline() -> MonotonicTime? { isPaused ? nil : stream.deadline() }

    /// Goes on over a new connection: what is under way is sent again.
    package mutating func reconnected(at now: MonotonicTime) -> [Action] {
        isPaused = false
        return stream.repeatAll(at: now).map { .transmit($0) }
    }

    private mutating func take(
        _ message: AgentMessage, at now: MonotonicTime
    ) throws(ChannelError) -> [Action] {
        let (ready, isTaken) = stream.receive(message)
        guard isTaken else { return [] }
        var actions: [Action] = []
        let acknowledgement = try stream.acknowledgement(of: message)
        if undelivered < Self.heldByteLimit {
            actions.append(.transmit(acknowledgement))
        } else if held.count < ReliableStream.earlyMessageLimit {
            held.append(acknowledgement)
        }
        for message in ready { actions += try handle(message, at: now) }
        return actions
    }

    private mutating func handle(
        _ message: AgentMessage, at now: MonotonicTime
    ) throws(ChannelError) -> [Action] {
        switch AgentMessage.PayloadType(rawValue: message.payloadType) {
        case .handshakeRequest where phase == .handshake:
            return try answer(
                Payloads.decode(Payloads.HandshakeRequest.self, from: message.payload), at: now)
        case .challengeRequest where phase == .challenge:
            return [try answerChallenge(message.payload, at: now)]
        case .handshakeComplete where phase == .handshake || phase == .challenge:
            phase = .open
            return [.opened]
        case .output where phase == .open:
            let bytes = try cipher?.decrypt(message.payload) ?? message.payload
            undelivered += bytes.count
            return [.deliver(bytes)]
        case .flag where message.payload == [0, 0, 0, 3]:
            throw ChannelError(.portSilent, "the agent cannot connect to the port")
        default:
            return []
        }
    }

    private mutating func answer(
        _ request: Payloads.HandshakeRequest, at now: MonotonicTime
    ) throws(ChannelError) -> [Action] {
        let encryption = request.requestedClientActions.first { $0.actionType == "KMSEncryption" }
        if let encryption {
            guard let keyID = encryption.actionParameters?.keyID else {
                throw ChannelError(.unsupported, "the agent asks for encryption and names no key")
            }
            requestedActions = request.requestedClientActions
            phase = .dataKey
            return [.makeDataKey(keyID: keyID, challenge: encryption.actionParameters?.challenge)]
        }
        let response = try respond(request.requestedClientActions.map(Self.answer(to:)), at: now)
        return [response]
    }

    private static func answer(
        to action: Payloads.HandshakeRequest.Action
    ) -> Payloads.HandshakeResponse.Action {
        let isKnown = action.actionType == "SessionType" && action.actionParameters?.sessionType == "Port"
        return .init(
            actionType: action.actionType, actionStatus: isKnown ? 1 : 3, actionResult: nil,
            error: isKnown ? "" : "not supported by this client")
    }

    private mutating func respond(
        _ actions: [Payloads.HandshakeResponse.Action], at now: MonotonicTime
    ) throws(ChannelError) -> Action {
        let payload = try Payloads.encode(
            Payloads.HandshakeResponse(processedClientActions: actions, errors: []))
        return .transmit(stream.send(.handshakeResponse, payload, at: now))
    }

    /// Proves that both ends have the same key: what comes encrypted goes back encrypted.
    private mutating func answerChallenge(
        _ payload: [UInt8], at now: MonotonicTime
    ) throws(ChannelError) -> Action {
        let text = try Payloads.decode(Payloads.Challenge.self, from: payload).challenge
        guard let cipher, let sealed = Base64.decode(text) else {
            throw ChannelError(.encryption, "the agent's challenge cannot be read")
        }
        let answer = Base64.encode(try cipher.encrypt(cipher.decrypt(sealed)))
        let response = try Payloads.encode(Payloads.Challenge(challenge: answer))
        return .transmit(stream.send(.challengeResponse, response, at: now))
    }
}
