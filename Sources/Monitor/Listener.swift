import Glibc
import Support

/// One listening address and the thread that accepts on it.
final class Listener: Sendable {
    private let socket: Descriptor
    private let isClosed = Locked(false)

    /// Binds and listens on all that `address` stands for.
    ///
    /// - Throws: `TCPError`.
    static func open(on address: TCPAddress) throws(TCPError) -> [Listener] {
        try TCP.listen(on: address).map { Listener($0) }
    }

    private init(_ socket: Descriptor) {
        self.socket = socket
    }

    /// Accepts until `close`, on a thread of its own; `receive` must not block.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    func start(
        log: @escaping @Sendable () -> Log, receive: @escaping @Sendable (Descriptor, TCPAddress) -> Void
    ) throws(SystemError) {
        try Thread.start("accept") { [self] in
            var complaints = RateLimit(interval: .seconds(10))
            while !isClosed.withLock({ $0 }) {
                do {
                    let (client, peer) = try TCP.accept(from: socket)
                    receive(client, peer)
                } catch {
                    if isClosed.withLock({ $0 }) { return }
                    // Out of descriptors or memory: wait for some connection to end.
                    if let others = complaints.pass(at: .now) {
                        log().error(
                            "cannot accept", ["error": "\(error)", "more": String(others)])
                    }
                    usleep(100_000)
                }
            }
        }
    }

    /// Stops accepting; connections that stand are not touched.
    func close() {
        isClosed.withLock { $0 = true }
        shutdown(socket.number, Int32(SHUT_RDWR))
    }
}
