import SSH
import Support

/// A session channel of the client for which the host has none yet, because the account there is still being made or its
/// instance started.
///
/// Keeps what the client asks for until another link takes the channel over; the person is told why they wait.
final class WaitingLink: Link {
    private static let messageLimit = 256

    private var messages: [IncomingMessage] = []
    private var hasTerminal = false
    /// Whether the client has said what it wants to run: by then it has asked for a terminal, or wants none.
    private var isStarted = false
    private var news: WakeNews?
    private var lines = WakeLines()
    /// Whether the line on the terminal is the progress, to be written over.
    private var showsProgress = false
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
        switch message.kind {
        case .pseudoTerminal:
            hasTerminal = true
            if let sentence = sentence() { client.explain(sentence) }
        case .shell, .exec, .subsystem:
            isStarted = true
            if let news { show(news) }
        default: break
        }
    }

    /// Shows how far a wake is, on the error stream: one line written over again on a terminal, few lines elsewhere.
    func show(_ news: WakeNews) {
        self.news = news
        guard isStarted, !client.isClosed else { return }
        if hasTerminal {
            let line = Array("\r\u{1B}[Kgatehouse: \(news.sentence) ".utf8)
            _ = client.write(.error, line[...])
            showsProgress = true
        } else if lines.takes(news) {
            client.explain(news.sentence)
        }
    }

    /// Leaves the terminal as it was.
    func clearProgress() {
        guard showsProgress, !client.isClosed else { return }
        showsProgress = false
        let line = Array("\r\u{1B}[K".utf8)
        _ = client.write(.error, line[...])
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
        clearProgress()
        client.explain(sentence)
        client.sendExitStatus(255)
        client.close()
    }
}
