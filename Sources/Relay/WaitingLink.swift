import SSH
import Support

/// A session channel of the client for which the host has none yet, because the account there is still being made.
///
/// Keeps what the client asks for until another link takes the channel over; a person at a terminal is told why they wait.
final class WaitingLink: Link {
    private static let messageLimit = 256

    private var messages: [IncomingMessage] = []
    private let sentence: () -> String?

    /// - Parameter sentence: what to say at the first terminal; nil: nothing.
    init(client: Channel, mayForwardAgent: Bool, sentence: @escaping () -> String?) {
        self.sentence = sentence
        super.init(client: client)
        if mayForwardAgent { client.allowAgentRequest() }
    }

    override func take(_ message: IncomingMessage) {
        guard messages.count < Self.messageLimit else { return message.refuse() }
        messages.append(message)
        if case .pseudoTerminal = message.kind, let sentence = sentence() { client.explain(sentence) }
    }

    /// What the client has asked for so far, in order; from now on another link takes it.
    func takeMessages() -> [IncomingMessage] {
        defer { messages = [] }
        return messages
    }

    override func advance(through buffer: inout [UInt8], now: MonotonicTime) -> Bool {
        if client.isClosedByPeer { client.close() }
        return false
    }

    override func end(because sentence: String) {
        guard !client.isClosed else { return }
        client.explain(sentence)
        client.sendExitStatus(255)
        client.close()
    }
}
