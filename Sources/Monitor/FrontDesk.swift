import Configuration
import Control
import Front
import Glibc
import Support

/// Takes the clients that `gatehouse-front` has accepted, over a connection that the daemon makes to it.
///
/// The front end is believed nothing but what a proxy says: from where a client comes, the kernel knows.
final class FrontDesk: Sendable {
    /// Between two attempts to reach a front end.
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(1))

    private struct State: Sendable {
        var isClosed = false
        /// Whether a client is being taken, so that after the end none is.
        var isTaking = false
        /// The connection to the front end.
        var line: MessageSocket?
    }

    /// Where the front end listens.
    let path: String
    private let gateway: Gateway
    private let state = Awaited(State())
    private let complaints = Locked(RateLimit(interval: .seconds(10)))
    private let accusations = Locked(RateLimit(interval: .seconds(10)))

    /// - Throws: `StartupError` where others than root could get at the socket.
    init(gateway: Gateway) throws(StartupError) {
        self.gateway = gateway
        path = gateway.settings.configuration.frontSocketPath
        try StartupChecks.requireFrontSocket(at: path, mayBeMissing: true)
    }

    /// Takes clients from now on, on a thread of its own, and gives each with its address to `receive`, which must not block.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func open(receive: @escaping @Sendable (Descriptor, TCPAddress) -> Void) throws(SystemError) {
        try Thread.start("front") { [self] in
            var pause = Self.pauses.first
            while !state.change({ $0.isClosed }) {
                let begun = MonotonicTime.now
                do {
                    try StartupChecks.requireFrontSocket(at: path, mayBeMissing: false)
                    let front = try MessageSocket.connect(to: path)
                    if hold(front) {
                        defer { release(front) }
                        try serve(front, receive)
                    }
                } catch {
                    if complaints.withLock({ $0.pass(at: .now) }) != nil {
                        gateway.log.warning("no clients come from the front end", ["error": "\(error)"])
                    }
                }
                if .now - begun > Self.pauses.longest { pause = Self.pauses.first }
                usleep(UInt32(pause.milliseconds * 1_000))
                pause = min(pause * 2, Self.pauses.longest)
            }
        }
    }

    /// Takes no more clients, those that come are for the next daemon, and waits for one that is being taken.
    func close() {
        let line = state.change { state in
            state.isClosed = true
            return state.line
        }
        // Taking may wait for the front end to read.
        line?.shutDown()
        state.wait { $0.isTaking ? nil : () }
    }

    /// Makes it the connection that `close` ends; false: the end has come.
    private func hold(_ front: MessageSocket) -> Bool {
        state.change { state in
            guard !state.isClosed else { return false }
            state.line = front
            return true
        }
    }

    /// The front end shall see at once that nothing more is taken here.
    private func release(_ front: MessageSocket) {
        front.shutDown()
        state.change { $0.line = nil }
    }

    /// Takes clients until the front end is gone.
    private func serve(
        _ front: MessageSocket, _ receive: @Sendable (Descriptor, TCPAddress) -> Void
    ) throws {
        try front.send(FrontMessage.welcome.encoded)
        while let (message, descriptors) = try front.receive() {
            guard case .client(let address, let port) = try FrontMessage(decoding: message),
                descriptors.count == 1
            else { throw WireError("a front end sends one client at a time and nothing else") }
            guard begin() else { return }
            defer { state.change { $0.isTaking = false } }
            try front.send(FrontMessage.taken.encoded)
            if let peer = origin(of: descriptors[0], namedAs: address, port: port) {
                receive(descriptors[0], peer)
            }
        }
    }

    /// A client is being taken from now on; false: it is the next daemon's.
    private func begin() -> Bool {
        state.change { state in
            state.isTaking = !state.isClosed
            return state.isTaking
        }
    }

    /// Where a client comes from; nil: it is gone, or is none.
    private func origin(of client: Descriptor, namedAs address: IPAddress, port: UInt16) -> TCPAddress? {
        guard let peer = TCP.peerAddress(of: client) else { return nil }
        if IPAddress(peer.host) == address, peer.port == port { return peer }
        guard gateway.settings.configuration.isProxy(peer.host) else {
            if accusations.withLock({ $0.pass(at: .now) }) != nil {
                gateway.log.warning(
                    "a front end names a client for which nobody may speak",
                    ["peer.address": peer.host, "named.address": "\(address)"])
            }
            return nil
        }
        return TCPAddress(host: "\(address)", port: port)
    }
}
