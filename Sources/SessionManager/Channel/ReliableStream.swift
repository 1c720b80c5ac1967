internal import Support

/// Numbered messages, each acknowledged by itself and repeated until it is: one end of a data channel's stream.
///
/// Pure: bytes and times go in, messages come out. The protocol has no window of its own, so `hasRoom` keeps one: what is
/// under way stays bounded. A message counts as lost when others that were sent well after it are acknowledged (RFC 8985);
/// when nothing is acknowledged at all, the timer asks with the oldest. Waiting for the timer at each loss, as the official
/// clients do, would cost a tenth of a second each.
struct ReliableStream {
    /// Messages under way.
    static let windowMessageCount = 1_024
    /// Messages that came before their turn; more are not taken, and come again.
    static let earlyMessageLimit = 10_000
    /// How many messages sent later may be acknowledged first.
    private static let reorderingLimit = 16
    /// How long the peer may acknowledge nothing.
    private static let silenceLimit = Duration.seconds(300)
    private static let longestPause = Duration.seconds(2)

    private struct Sent {
        let bytes: [UInt8]
        var last: MonotonicTime
        /// The place of its last sending among all sendings.
        var order: Int
        var isRepeated = false
    }

    private var nextOut: Int64 = 0
    private var nextIn: Int64 = 0
    private var early: [Int64: AgentMessage] = [:]
    private var sent: [Int64: Sent] = [:]
    /// All sendings in their order, from `firstSending` on; those that are acknowledged or were repeated since are passed over.
    private var sendings: [Int64] = []
    private var firstSending = 0
    private var timer = RetransmissionTimer()
    /// How long the timer waits now: longer each time that nobody answers.
    private var pause: Duration?
    private var lastProgress: MonotonicTime?
    private var random = SystemRandomNumberGenerator()
    private let clock: @Sendable () -> Timestamp

    /// - Parameter clock: the date of messages.
    init(clock: @escaping @Sendable () -> Timestamp = { .now }) {
        self.clock = clock
    }

    /// Whether another message may be sent now.
    var hasRoom: Bool { sent.count < Self.windowMessageCount }

    /// Whether everything that was sent has arrived.
    var isFlushed: Bool { sent.isEmpty }

    /// The bytes of a new message.
    mutating func send(_ type: AgentMessage.PayloadType, _ payload: [UInt8], at now: MonotonicTime) -> [UInt8]
    {
        let bytes = message(
            .input, sequence: nextOut, flags: nextOut == 0 ? 1 : 0, type: type, payload: payload
        ).encoded()
        if sent.isEmpty { lastProgress = now }
        note(Sent(bytes: bytes, last: now, order: 0), sequence: nextOut)
        nextOut += 1
        return bytes
    }

    /// Takes a stream message.
    ///
    /// - Returns: what can be delivered now, in order: nothing for one that came already or before its turn. What is not
    ///   taken must not be acknowledged: it comes again.
    mutating func receive(_ message: AgentMessage) -> (ready: [AgentMessage], isTaken: Bool) {
        if message.sequence < nextIn { return ([], true) }
        if message.sequence > nextIn {
            guard message.sequence - nextIn <= Int64(Self.earlyMessageLimit) else { return ([], false) }
            early[message.sequence] = message
            return ([], true)
        }
        var ready = [message]
        nextIn += 1
        while let next = early.removeValue(forKey: nextIn) {
            ready.append(next)
            nextIn += 1
        }
        return (ready, true)
    }

    /// The acknowledgement of a message.
    ///
    /// - Throws: `ChannelError`.
    mutating func acknowledgement(of message: AgentMessage) throws(ChannelError) -> [UInt8] {
        let payload = Payloads.Acknowledgement(
            acknowledgedMessageType: message.kind.rawValue, acknowledgedMessageId: message.id.text,
            acknowledgedMessageSequenceNumber: message.sequence, isSequentialMessage: true)
        return self.message(
            .acknowledge, sequence: 0, flags: 3, type: .none, payload: try Payloads.encode(payload)
        ).encoded()
    }

    /// Takes an acknowledgement of one of our messages.
    ///
    /// - Returns: messages that are lost, to be sent again.
    mutating func acknowledged(_ sequence: Int64, at now: MonotonicTime) -> [[UInt8]] {
        guard let entry = sent.removeValue(forKey: sequence) else { return [] }
        pause = nil
        lastProgress = now
        // Of a repeated message nobody knows which sending was meant.
        if !entry.isRepeated { timer.note(now - entry.last) }
        return repeatSendings(before: entry.order - Self.reorderingLimit, at: now)
    }

    /// Asks with the oldest message when nothing has been acknowledged for as long as that should take.
    ///
    /// - Throws: `ChannelError` with code `agentSilent` when the peer has acknowledged nothing for minutes.
    mutating func repeatOverdue(at now: MonotonicTime) throws(ChannelError) -> [UInt8]? {
        guard let due = deadline(), now >= due, let sequence = oldestSending() else { return nil }
        if let lastProgress, now - lastProgress > Self.silenceLimit {
            throw ChannelError(.agentSilent, "the agent does not answer any more")
        }
        pause = min((pause ?? timer.timeout) * 2, Self.longestPause)
        return again(sequence, at: now)
    }

    /// Everything that is under way, for a new connection.
    mutating func repeatAll(at now: MonotonicTime) -> [[UInt8]] {
        pause = nil
        lastProgress = now
        return repeatSendings(before: firstSending + sendings.count, at: now)
    }

    /// When `repeatOverdue` has something to do; nil: nothing is under way.
    mutating func deadline() -> MonotonicTime? {
        oldestSending().flatMap { sent[$0] }.map { $0.last + (pause ?? timer.timeout) }
    }

    private mutating func repeatSendings(before order: Int, at now: MonotonicTime) -> [[UInt8]] {
        var lost: [[UInt8]] = []
        while let sequence = oldestSending(), firstSending < order {
            if let bytes = again(sequence, at: now) { lost.append(bytes) }
        }
        return lost
    }

    private mutating func again(_ sequence: Int64, at now: MonotonicTime) -> [UInt8]? {
        guard var entry = sent[sequence] else { return nil }
        entry.last = now
        entry.isRepeated = true
        note(entry, sequence: sequence)
        return entry.bytes
    }

    private mutating func note(_ entry: Sent, sequence: Int64) {
        var entry = entry
        entry.order = firstSending + sendings.count
        sendings.append(sequence)
        sent[sequence] = entry
    }

    /// Of the sendings that still count, the first.
    private mutating func oldestSending() -> Int64? {
        var passed = 0
        defer {
            if passed > 0 { sendings.removeFirst(passed) }
            firstSending += passed
        }
        for (index, sequence) in sendings.enumerated() {
            if sent[sequence]?.order == firstSending + index { return sequence }
            passed = index + 1
        }
        return nil
    }

    private mutating func message(
        _ kind: AgentMessage.Kind, sequence: Int64, flags: UInt64, type: AgentMessage.PayloadType,
        payload: [UInt8]
    ) -> AgentMessage {
        AgentMessage(
            kind: kind, created: UInt64(max(1, clock().milliseconds)), sequence: sequence, flags: flags,
            id: MessageID(using: &random), payloadType: type.rawValue, payload: payload)
    }
}
