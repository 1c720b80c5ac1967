import SSH
import Support

/// A session channel that leads nowhere: whatever is started there says why, on the error stream, and exits with 255.
final class SentenceLink: Link {
    private let sentence: String

    init(client: Channel, sentence: String) {
        self.sentence = sentence
        super.init(client: client)
    }

    override func take(_ message: IncomingMessage) {
        switch message.kind {
        case .shell, .exec, .subsystem:
            message.acceptRequest()
            end(because: sentence)
        case .pseudoTerminal:
            message.acceptRequest()
        default:
            message.refuse()
        }
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
