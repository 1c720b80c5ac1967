import Control
import SSH
import Support

/// A session channel of a host's watcher: the delivery to the book, which the daemon takes, or the watcher's program.
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
        guard case .subsystem(let name) = message.kind, !isStarted, let request = Self.request(for: name)
        else { return message.refuse() }
        isStarted = true
        message.acceptRequest()
        start(request)
    }

    private static func request(for subsystem: [UInt8]) -> SessionRequest? {
        switch subsystem {
        case Array(DeliveryMessage.subsystem.utf8): .deliver
        case Array(DeliveryMessage.programSubsystem.utf8): .watcherProgram
        default: nil
        }
    }

    private func start(_ request: SessionRequest) {
        daemon.ask(request) { [weak self] answer in
            guard let self, !client.isClosed else { return }
            switch answer.reply {
            case .deliveryStarted:
                guard let socket = answer.descriptors.first,
                    let stream = try? SocketLink(client: client, socket: socket)
                else { return end(because: "nothing was started") }
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
