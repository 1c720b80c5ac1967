import Control
import SSH
import Support

/// A session channel of a host's watcher: the delivery to the book, which the daemon takes, and nothing else.
final class DeliveryLink: Link {
    private let daemon: DaemonLink
    private var isStarted = false
    private var stream: SocketLink?

    init(client: Channel, daemon: DaemonLink) {
        self.daemon = daemon
        super.init(client: client)
    }

    override var traffic: (fromClient: UInt64, toClient: UInt64) { stream?.traffic ?? (0, 0) }

    override func take(_ message: IncomingMessage) {
        switch message.kind {
        case .subsystem(let name) where !isStarted && name == Array(DeliveryMessage.subsystem.utf8):
            isStarted = true
            message.acceptRequest()
            start()
        default:
            message.refuse()
        }
    }

    private func start() {
        daemon.ask(.deliver) { [weak self] answer in
            guard let self, !client.isClosed else { return }
            switch answer.reply {
            case .deliveryStarted:
                guard let socket = answer.descriptors.first,
                    let stream = try? SocketLink(client: client, socket: socket)
                else { return end(because: "no delivery was started") }
                self.stream = stream
            case .refused(let reason): end(because: reason)
            default: end(because: "the gateway did not answer")
            }
        }
    }

    override func advance(through buffer: inout [UInt8], now: MonotonicTime) -> Bool {
        if let stream { return stream.advance(through: &buffer, now: now) }
        if client.isClosedByPeer { client.close() }
        return false
    }

    override func register(with poller: inout Poller) {
        stream?.register(with: &poller)
    }

    override func end(because sentence: String) {
        guard !client.isClosed else { return }
        client.explain(sentence)
        client.sendExitStatus(255)
        client.close()
    }
}
