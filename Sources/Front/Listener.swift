import Glibc
package import Support

/// One listening socket and the thread that takes connections from it.
package final class Listener: Sendable {
    private let socket: Descriptor
    /// Readable from `close` on. The socket may be systemd's too, and is never shut down.
    private let end: (read: Descriptor, write: Descriptor)
    /// Whether the thread is at work.
    private let isAtWork = Awaited(false)

    /// - Throws: `SystemError` of pipe2(2).
    package init(_ socket: Descriptor) throws(SystemError) {
        self.socket = socket
        end = try Descriptor.pipe()
    }

    /// Has `accept` take a connection whenever there is one, until `close`, on a thread of its own; it must not block for anything else.
    ///
    /// - Throws: `SystemError` when there can be no thread.
    package func start(
        log: @escaping @Sendable () -> Log,
        accept: @escaping @Sendable (Descriptor) throws(SystemError) -> Void
    ) throws(SystemError) {
        try Thread.start("accept") { [self] in
            defer { isAtWork.change { $0 = false } }
            var complaints = RateLimit(interval: .seconds(10))
            while waitsForConnection() {
                do throws(SystemError) {
                    try accept(socket)
                } catch {
                    // Out of descriptors or memory: wait for some connection to end.
                    if let others = complaints.pass(at: .now) {
                        log().error(
                            "cannot accept", ["error": "\(error)", "more": String(others)])
                    }
                    usleep(100_000)
                }
            }
        }
        isAtWork.change { $0 = true }
    }

    /// Accepts no more, and waits until the last connection that was accepted has been passed on; none is touched.
    package func close() {
        try? end.write.writeAll([0])
        isAtWork.wait { $0 ? nil : () }
    }

    /// - Returns: false when it is over.
    private func waitsForConnection() -> Bool {
        var requests = [socket, end.read].map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        while unsafe poll(&requests, nfds_t(requests.count), -1) < 0 {}
        return requests[1].revents == 0
    }
}
